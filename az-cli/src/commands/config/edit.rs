//! `az config edit`.

use std::path::Path;
use std::process::{Command, ExitCode};

use clap::Args;

use super::Context;
use super::layer::LayerArgs;
use crate::config::{ConfigError, ConfigFile, Layer};
use crate::error::CliError;
use crate::output::{can_ask, consents};
use crate::redact::Redactor;
use crate::views::NoticeView;

const EXAMPLES: &str = "\
Examples:
  az config edit
  EDITOR=nano az config edit --layer project

The editor is $VISUAL, else $EDITOR, else vi. It opens a copy. The file is replaced only by a copy
that is valid, and only if no other program has changed the file in the meantime.";

/// Open a file in an editor, and check it before it is saved
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct EditArgs {
    #[command(flatten)]
    layer: LayerArgs,
}

/// Edits a file.
///
/// # Errors
///
/// A settings error with all that is wrong with the edited copy, which is kept, or a file that another
/// program has changed.
pub(super) fn run(args: &EditArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    let (path, layer) = (args.layer.layer.only_file(context)?, args.layer.layer.layer());
    let mut file = ConfigFile::read(layer, &path)?;
    let before = file.text().to_owned();
    let copy = copy_of(&before)?;
    loop {
        open_editor(&copy, context).map_err(|error| abandoned(&error, &copy, &before, layer))?;
        let edited = std::fs::read_to_string(&copy).map_err(|source| CliError::Io {
            what: format!("reading {}", copy.display()),
            source,
        })?;
        if edited == before {
            discard(&copy);
            context.printer.say("nothing was changed");
            return Ok(ExitCode::SUCCESS);
        }
        file.set_text(edited);
        let problems = file.problems();
        if problems.is_empty() {
            break;
        }
        let error = CliError::from(ConfigError::Invalid(problems));
        if !can_ask() {
            return Err(kept(&error, &copy, layer));
        }
        context.printer.error(&error, &Redactor::new(context.env));
        if !consents("open the editor again?") {
            return Err(kept(&error, &copy, layer));
        }
    }
    file.write().map_err(|error| kept(&error.into(), &copy, layer))?;
    discard(&copy);
    let source = path.display().to_string();
    let notice = NoticeView::ConfigEdited { source: source.clone() };
    context.printer.done(&format!("saved {source}"), &notice)?;
    Ok(ExitCode::SUCCESS)
}

/// Writes a copy that only the user can read.
fn copy_of(text: &str) -> Result<std::path::PathBuf, CliError> {
    use std::io::Write;
    let io = |source| CliError::Io { what: "creating a copy to edit".to_owned(), source };
    let mut builder = tempfile::Builder::new();
    let mut copy = builder.prefix("az-config-").suffix(".toml").tempfile().map_err(io)?;
    copy.write_all(text.as_bytes()).map_err(io)?;
    let (_, path) = copy.keep().map_err(|error| io(error.error))?;
    Ok(path)
}

fn discard(copy: &Path) {
    // A copy that cannot be removed is in the directory of temporary files.
    std::fs::remove_file(copy).ok();
}

/// Returns the error of an editor that failed. A copy with changes is kept.
fn abandoned(error: &CliError, copy: &Path, before: &str, layer: Layer) -> CliError {
    if std::fs::read(copy).is_ok_and(|edited| edited == before.as_bytes()) {
        discard(copy);
        return CliError::Settings(format!("{error}; nothing was changed"));
    }
    kept(error, copy, layer)
}

fn kept(error: &CliError, copy: &Path, layer: Layer) -> CliError {
    let copy = copy.display();
    match error {
        CliError::Config(ConfigError::Changed(text)) => {
            ConfigError::Changed(format!("{text}; your copy is {copy}")).into()
        }
        _ => CliError::Settings(format!(
            "{error}\nthe {layer} file is unchanged; your copy is {copy}"
        )),
    }
}

fn open_editor(copy: &Path, context: &Context<'_>) -> Result<(), CliError> {
    let named = context.env.get("VISUAL").or_else(|| context.env.get("EDITOR"));
    let editor = named.unwrap_or("vi");
    let words = shlex::split(editor).filter(|words| !words.is_empty());
    let wrong = |what: String| CliError::Settings(format!("the editor {editor:?} {what}"));
    let words = words.ok_or_else(|| wrong("is not a command; set VISUAL or EDITOR".to_owned()))?;
    let (program, arguments) =
        words.split_first().map_or(("vi", &[][..]), |(p, a)| (p.as_str(), a));
    let mut command = Command::new(program);
    let status = command.args(arguments).arg(copy).status();
    let status = status
        .map_err(|error| wrong(format!("cannot be started: {error}; set VISUAL or EDITOR")))?;
    if status.success() { Ok(()) } else { Err(wrong(format!("failed ({status})"))) }
}
