//! `az config trust`.

use std::process::ExitCode;

use clap::Args;

use super::Context;
use crate::config::{ProjectState, SettingValue, TrustRecord, plain};
use crate::error::CliError;
use crate::output::{Table, can_ask, consents};
use crate::settings::read_layers;
use crate::views::{NoticeView, SettingView};

const EXAMPLES: &str = "\
Examples:
  az config trust
  az config trust --show
  az config trust --yes
  az config trust --revoke

A project's az.toml may choose a model by its name, set limits of steps and time, and choose the
form of output. Everything else in it counts only once it is trusted. Trust binds to the path and
the content: after a change, the file is not trusted any more.";

/// Show what a project's file would change, and trust it
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct TrustArgs {
    /// Trust the file without asking
    #[arg(long, short, conflicts_with_all = ["revoke", "show"])]
    yes: bool,
    /// Only show what the file would change
    #[arg(long)]
    show: bool,
    /// End the trust in the file
    #[arg(long, conflicts_with = "show")]
    revoke: bool,
}

/// Shows what the file would change, asks, and records the trust.
///
/// # Errors
///
/// A usage error without a project's file, a settings error for an invalid one. Without a terminal, `--yes`
/// is needed.
pub(super) fn run(args: &TrustArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    let layers = read_layers(context.global, context.env)?;
    let Some(project) = layers.resolve()?.project else {
        let what = "there is no az.toml in this directory or above it";
        return Err(CliError::Usage(what.to_owned()));
    };
    if args.revoke {
        return revoke(&project, context);
    }
    let changes = layers.withheld_values()?;
    show(&project, &changes, context)?;
    if args.show || changes.is_empty() || (project.trusted && !args.yes) {
        return Ok(ExitCode::SUCCESS);
    }
    let path = project.path.display().to_string();
    if !args.yes {
        if !can_ask() {
            let what = "without a terminal, --yes is needed to trust the file";
            return Err(CliError::Usage(what.to_owned()));
        }
        if !consents(&format!("trust {path} as it is now?")) {
            context.printer.say("the file is not trusted");
            return Ok(ExitCode::from(77));
        }
    }
    // The digest is that of the text that was shown, also if the file has changed since.
    TrustRecord::change(context.env, |record| record.trust(&project.path, project.digest))?;
    let notice = NoticeView::ConfigTrusted { path: path.clone(), trusted: true };
    context.printer.done(&format!("{path} is trusted until it changes"), &notice)?;
    Ok(ExitCode::SUCCESS)
}

fn revoke(project: &ProjectState, context: &Context<'_>) -> Result<ExitCode, CliError> {
    let path = project.path.display().to_string();
    let was_trusted = TrustRecord::change(context.env, |record| record.revoke(&project.path))?;
    let notice = NoticeView::ConfigTrusted { path: path.clone(), trusted: false };
    let what = if was_trusted { "is not trusted any more" } else { "was not trusted" };
    context.printer.done(&format!("{path} {what}"), &notice)?;
    Ok(ExitCode::SUCCESS)
}

/// Shows what counts only once the file is trusted: on standard error where the data is JSON.
fn show(
    project: &ProjectState,
    changes: &[(SettingValue, SettingValue)],
    context: &Context<'_>,
) -> Result<(), CliError> {
    let path = project.path.display();
    let printer = context.printer;
    if changes.is_empty() {
        printer.say(&format!("{path} sets nothing that needs trust"));
        return Ok(());
    }
    if printer.is_json() {
        let views: Vec<_> = changes.iter().map(|(_, new)| SettingView::from(new)).collect();
        return printer.json_line(&NoticeView::ConfigWithheld {
            path: path.to_string(),
            trusted: project.trusted,
            settings: views,
        });
    }
    let state = if project.trusted { "trusted" } else { "not trusted" };
    printer.foreign(&format!("{path} ({state}) sets what counts only once it is trusted:\n"))?;
    let mut table = Table::new(&["key", "now", "with the file"]);
    for (now, new) in changes {
        let text =
            |setting: &SettingValue| setting.value.as_ref().map_or_else(|| "-".to_owned(), plain);
        table.row(vec![new.key.clone(), text(now), text(new)]);
    }
    // The values are not cut: what is trusted is seen.
    printer.out(&table.text(None))
}
