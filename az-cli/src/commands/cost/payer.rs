//! The option `--payer`.

use az_ai::resolver::near;
use az_core::cost::{Payer, Scope};
use az_core::task::TaskRepository;
use clap::Args;

use crate::commands::task::find;
use crate::error::CliError;
use crate::output::Printer;

/// Restricts a listing to one payer.
#[derive(Debug, Clone, Args)]
pub(super) struct PayerArg {
    /// Show only this payer, without its descendants: task:ID, key:NAME or KIND:NAME
    #[arg(long, value_name = "KIND:NAME", value_parser = parse_payer)]
    pub(super) payer: Option<Payer>,
}

impl PayerArg {
    /// Returns the payer, if one is given. A task is found by a part of its id; one that was deleted
    /// needs the whole id.
    ///
    /// # Errors
    ///
    /// The error of a part of an id that fits several tasks, or the store's.
    pub(super) async fn payer(
        &self,
        tasks: Option<&dyn TaskRepository>,
    ) -> Result<Option<Payer>, CliError> {
        match (&self.payer, tasks) {
            (Some(payer), Some(tasks)) => Ok(Some(resolve(tasks, payer, Unknown::Keep).await?)),
            (payer, _) => Ok(payer.clone()),
        }
    }
}

/// What becomes of a payer that is a task which does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unknown {
    /// It is an error.
    Refuse,
    /// It is taken as it is: entries and budgets outlive their task.
    Keep,
}

/// Returns the payer that is meant: a task is found by a part of its id.
///
/// # Errors
///
/// The error of a task that is unknown, if that is refused; of a part of an id that fits several tasks;
/// or the store's.
pub(super) async fn resolve(
    tasks: &dyn TaskRepository,
    payer: &Payer,
    unknown: Unknown,
) -> Result<Payer, CliError> {
    let Some(id) = payer.task() else { return Ok(payer.clone()) };
    match find(tasks, id.as_str()).await {
        Ok(task) => Ok(Payer::Task(task.id)),
        Err(CliError::UnknownTask { .. }) if unknown == Unknown::Keep => Ok(payer.clone()),
        Err(error) => Err(error),
    }
}

/// Prints what was probably meant by a payer without calls, if anything is similar to it.
///
/// # Errors
///
/// The store's.
pub(super) async fn note_unknown(
    tasks: Option<&dyn TaskRepository>,
    payer: Option<&Payer>,
    printer: &Printer,
) -> Result<(), CliError> {
    if let Some(payer) = payer
        && let Some(hint) = unknown_payer(tasks, payer).await?
    {
        printer.say(&hint);
    }
    Ok(())
}

/// Returns what was probably meant by a payer without calls: a task with a similar id, or another kind.
async fn unknown_payer(
    tasks: Option<&dyn TaskRepository>,
    payer: &Payer,
) -> Result<Option<String>, CliError> {
    if let (Some(id), Some(tasks)) = (payer.task(), tasks) {
        return match find(tasks, id.as_str()).await {
            Err(error @ CliError::UnknownTask { .. }) => Ok(Some(error.to_string())),
            Err(error) => Err(error),
            Ok(_) => Ok(None),
        };
    }
    let likely = near(payer.kind(), ["task", "key"].into_iter());
    let likely = likely.into_iter().find(|kind| kind != payer.kind());
    Ok(likely.map(|kind| format!("did you mean --payer {kind}:{}?", payer.id())))
}

/// Parses a payer.
pub(super) fn parse_payer(text: &str) -> Result<Payer, String> {
    match text.parse::<Scope>() {
        Ok(Scope::Payer(payer)) => Ok(payer),
        Ok(Scope::Global | Scope::Model(_)) => Err(format!(
            "{text:?} is not a payer; a payer is task:ID, key:NAME or a KIND:NAME of your own"
        )),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_payer;

    #[test]
    fn payers_are_parsed_as_they_are_displayed_and_nothing_else_is_one() {
        for name in ["task:4f2a", "key:test", "tenant:a:b"] {
            assert_eq!(parse_payer(name).unwrap().to_string(), name);
        }
        let not = |name: &str| {
            let kinds = "a payer is task:ID, key:NAME or a KIND:NAME of your own";
            format!("{name:?} is not a payer; {kinds}")
        };
        for (name, expected) in [
            ("model:claude", not("model:claude")),
            ("global", not("global")),
            (
                "test",
                "invalid payer: \"test\" must be KIND:ID, such as task:ID or key:NAME".to_owned(),
            ),
            ("global:x", "invalid kind of payer: \"global\" is reserved".to_owned()),
        ] {
            assert_eq!(parse_payer(name).unwrap_err(), expected);
        }
    }
}
