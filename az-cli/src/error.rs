//! What a command can end with, and the exit code it means. `docs/operations.md` lists the codes.

use std::io;

use az_core::error::{Error, ErrorKind};
use az_core::task::{Failure, TaskStatus};

use crate::suggestion::set_budget;

/// Bad arguments, as clap has it.
pub const USAGE: u8 = 2;

/// Why a command did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// The arguments make no sense together.
    #[error("{0}")]
    Usage(String),
    /// A setting makes no sense.
    #[error("{0}")]
    Settings(String),
    /// No task has this id.
    #[error("no task {id:?}{}", hint(near))]
    UnknownTask {
        /// What was typed.
        id: String,
        /// Ids that are like it, with their commands.
        near: Vec<String>,
    },
    /// Several tasks could be meant.
    #[error("{id:?} could be any of these tasks:\n  {}", among.join("\n  "))]
    AmbiguousTask {
        /// What was typed.
        id: String,
        /// The ids that it fits, with their commands.
        among: Vec<String>,
    },
    /// The task ended without an answer.
    #[error("task {status}{}", why(*status, failure))]
    TaskEnded {
        /// How it ended.
        status: TaskStatus,
        /// Why.
        failure: Box<Failure>,
        /// What to do about it.
        remedy: Option<String>,
    },
    /// The task did not end: what went wrong could not be recorded.
    #[error("{}", .source.chain())]
    Stopped {
        /// The task, if there is one to go on with.
        id: Option<String>,
        /// What went wrong.
        source: Error,
    },
    /// Something below failed.
    #[error("{}", .0.chain())]
    Core(#[from] Error),
    /// Reading or writing failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A reason that says no more than the status is left out.
fn why(status: TaskStatus, failure: &Failure) -> String {
    match failure.message.as_str() {
        message if message == status.as_str() => String::new(),
        message => format!(": {message}"),
    }
}

fn hint(ids: &[String]) -> String {
    match ids {
        [] => String::new(),
        ids => format!("; did you mean\n  {}", ids.join("\n  ")),
    }
}

impl CliError {
    /// Returns the exit code that says what sort of error this is.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Settings(_) => 78,
            Self::UnknownTask { .. } => 66,
            Self::AmbiguousTask { .. } => USAGE,
            Self::TaskEnded { failure, .. } => code_of_failure(failure.kind),
            Self::Core(error) | Self::Stopped { source: error, .. } => code_of(error),
            Self::Io { .. } => 74,
        }
    }

    /// Returns what the user can do about it, where that is not obvious.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::TaskEnded { remedy, .. } => remedy.clone(),
            Self::UnknownTask { .. } => Some("`az task list` shows the tasks there are".to_owned()),
            Self::AmbiguousTask { .. } => Some("give more of the id".to_owned()),
            Self::Stopped { id, source } => {
                let first = remedy_of(source)?;
                Some(match id {
                    Some(id) => format!("{first}; then `az task resume {id}` goes on"),
                    None => first,
                })
            }
            Self::Core(error) => remedy_of(error),
            Self::Usage(_) | Self::Settings(_) | Self::Io { .. } => None,
        }
    }
}

/// What to do about a model without a price under a hard budget.
pub const UNPRICED: &str = "give the model a price (docs/prices.md), choose one that `az models \
                            list --all` lists, or make the budget --soft";

fn remedy_of(error: &Error) -> Option<String> {
    let text = match error {
        Error::BudgetExceeded { scope, period, amount, left, needed, .. } => {
            let enough = amount.minus(*left).plus(*needed);
            let set = set_budget(scope, *period, enough.max(amount.plus(*amount)), &[]);
            return Some(format!(
                "`{set}` raises the budget; `az cost budget show` shows all of them"
            ));
        }
        Error::Unpriced { .. } => UNPRICED,
        Error::Full { .. } => "free some space",
        Error::Io { .. } => "check the disk; `az db status --check` checks the database",
        Error::Busy { .. } => {
            "another process keeps the database locked: try again once it is done"
        }
        Error::Unusable { .. } => {
            "if that file is no database any more, `az db init --force` sets it aside and makes a \
             new one; otherwise choose a directory that can be written, with --data-dir"
        }
        Error::NewerSchema { .. } => "use the newer az that wrote it, or another --data-dir",
        Error::SchemaChanged { .. } => "run the newer az from now on (docs/upgrading.md)",
        Error::NotFound { what: "database", .. } => "`az db init` makes one, and so does a task",
        Error::LeaseLost { .. } => "another process has taken it up; `az task list` shows them",
        Error::LeaseHeld { task, .. } => {
            return Some(format!("wait for it to end, or stop it with `az task cancel {task}`"));
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn code_of(error: &Error) -> u8 {
    match error {
        Error::NotFound { what: "task" | "database", .. } => 66,
        Error::Invalid { .. } => USAGE,
        _ => code_of_kind(error.kind()),
    }
}

/// A task that failed for no more telling reason is 1.
fn code_of_failure(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Agent | ErrorKind::Invalid | ErrorKind::StepLimit => 1,
        // What a task does not find is its model.
        ErrorKind::NotFound => 78,
        kind => code_of_kind(kind),
    }
}

fn code_of_kind(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Agent | ErrorKind::StepLimit => 1,
        ErrorKind::Invalid => USAGE,
        ErrorKind::Budget => 3,
        ErrorKind::BadRequest | ErrorKind::ContextWindow | ErrorKind::ContentPolicy => 65,
        ErrorKind::NotFound => 66,
        ErrorKind::Unavailable => 69,
        ErrorKind::Unusable => 73,
        ErrorKind::Io => 74,
        ErrorKind::Busy | ErrorKind::Conflict | ErrorKind::RateLimited => 75,
        ErrorKind::Protocol => 76,
        ErrorKind::Approval | ErrorKind::Unauthorized => 77,
        ErrorKind::Config => 78,
        ErrorKind::TimedOut => 124,
        ErrorKind::Cancelled => 130,
        _ => 70,
    }
}

#[cfg(test)]
mod tests {
    use az_core::error::ErrorKind;

    use super::code_of_failure;

    #[test]
    fn a_task_whose_model_there_is_not_failed_for_its_settings() {
        assert_eq!(code_of_failure(ErrorKind::NotFound), 78);
    }
}
