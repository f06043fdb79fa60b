//! `az db clean`.

use std::process::ExitCode;

use az_core::error::Error;
use az_core::store::Leftover;
use az_core::text::plural;
use clap::Args;

use super::drafts;
use crate::error::CliError;
use crate::services::Services;
use crate::views::{LeftoverView, NoticeView};

const EXAMPLES: &str = "\
Examples:
  az db clean --dry-run
  az db clean

Workers may run meanwhile. Unfinished files are removed if they are older than a day and the
process that wrote them has ended. In the workspaces of tasks, these are the `.az-*.tmp` files of
interrupted writes; a task that is resumed or deleted removes its own.";

/// Remove the files that interrupted writes left beside the database and in workspaces
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CleanArgs {
    /// List the files and remove nothing
    #[arg(long)]
    dry_run: bool,
}

/// Removes the files.
///
/// # Errors
///
/// `NotFound` where there is no store, or the store's own.
pub(super) async fn run(args: &CleanArgs, services: &Services) -> Result<ExitCode, CliError> {
    let found = services.store_to_read().await?;
    let mut store = found.ok_or_else(|| Error::not_found("database", services.store_address()))?;
    let mut removed = Vec::new();
    if !args.dry_run {
        store = services.store().await?;
        removed = store.clean().await?;
    }
    let mut kept = store.leftovers().await?;
    let drafts = drafts::of_tasks(&*store, !args.dry_run).await?;
    removed.extend(drafts.removed);
    kept.extend(drafts.kept);
    let printer = services.printer();
    drafts.problems.iter().for_each(|problem| printer.say(problem));
    if !printer.is_json() {
        for leftover in if args.dry_run { &kept } else { &removed } {
            printer.line(&leftover.name)?;
        }
    }
    let text = format!("removed {}, kept {}", in_words(&removed), in_words(&kept));
    let views = |all: &[Leftover]| all.iter().map(LeftoverView::from).collect();
    let notice = NoticeView::StoreCleaned { removed: views(&removed), kept: views(&kept) };
    if printer.is_json() {
        printer.json_line(&notice)?;
    } else {
        printer.say(&text);
    }
    Ok(ExitCode::SUCCESS)
}

fn in_words(all: &[Leftover]) -> String {
    let bytes: u64 = all.iter().map(|leftover| leftover.bytes).sum();
    format!("{} ({} KiB)", plural(all.len(), "file"), bytes.div_ceil(1024))
}
