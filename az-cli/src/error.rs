//! The errors of commands, with their exit codes and advice.

use std::io;

use az_core::error::{Error, ErrorKind};
use az_core::task::{Failure, TaskStatus};
use az_core::text::plural;
use az_core::{Usd, WorkerId};
use az_mcp::client::ClientError;

use crate::config::ConfigError;
use crate::suggestion::set_budget;

/// The exit code of invalid arguments, as in clap.
pub const USAGE: u8 = 2;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CliError {
    /// The arguments are invalid.
    #[error("{0}")]
    Usage(String),
    /// A setting is invalid.
    #[error("{0}")]
    Settings(String),
    /// The configuration is invalid, or cannot be read or written.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// No task has this id.
    #[error("no task {id:?}{}", hint(near))]
    UnknownTask {
        /// What was typed.
        id: String,
        /// Similar ids, with their commands.
        near: Vec<String>,
    },
    /// Several tasks have an id that begins or ends like this.
    #[error("ambiguous id {id:?}; it could be any of these tasks:\n  {}", among.join("\n  "))]
    AmbiguousTask {
        /// What was typed.
        id: String,
        /// The ids, with their commands.
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
    /// The run stopped without recording an end of the task.
    #[error("{}", .source.chain())]
    Stopped {
        /// The task, if it can be resumed.
        id: Option<String>,
        /// The error.
        source: Box<Error>,
    },
    /// The task does not wait for an answer, or not for this one.
    #[error("task {id} does not wait for this answer: {reason}")]
    NotWaiting {
        /// The task.
        id: String,
        /// Why.
        reason: String,
        /// What to do about it.
        remedy: String,
    },
    /// The task cannot be deleted while a worker runs it.
    #[error("task {id} is running, by {owner}; nothing was deleted")]
    TaskRunning {
        /// The task.
        id: String,
        /// The worker.
        owner: WorkerId,
    },
    /// Tasks that were cancelled have not stopped yet.
    #[error("cancellation requested; {} still {}", plural(*tasks, "task"), if *tasks == 1 { "stops" } else { "stop" })]
    StillStopping {
        /// The number of tasks.
        tasks: usize,
    },
    /// No model can be used: the name is unknown, or its server does not answer.
    #[error("{message}")]
    Model {
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: String,
        /// The kind of error, which decides the exit code.
        kind: ErrorKind,
    },
    /// No tool has this name.
    #[error("unknown tool {name:?}{likely}")]
    UnknownTool {
        /// What was typed.
        name: String,
        /// The end of the message, with similar names; empty if there are none.
        likely: String,
    },
    /// No MCP server has this name.
    #[error("unknown MCP server {name:?}{likely}")]
    UnknownServer {
        /// What was typed.
        name: String,
        /// The end of the message, with similar names; empty if there are none.
        likely: String,
    },
    /// A request to an MCP server failed.
    #[error(transparent)]
    Server(#[from] ClientError),
    /// A server cannot listen at its address.
    #[error("{address} cannot be listened at: {source}; choose another address with --http")]
    Listen {
        /// The address.
        address: String,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// A tool call may not be made.
    #[error("{tool} was not called: {reason}")]
    ToolDenied {
        /// The tool.
        tool: String,
        /// Why.
        reason: String,
    },
    /// A tool call failed.
    #[error("{tool} failed: {text}")]
    ToolFailed {
        /// The tool.
        tool: String,
        /// The text of its output.
        text: String,
        /// The exit code.
        code: u8,
    },
    /// A worker left tasks that are neither done nor in the queue.
    #[error("{} could not be returned to the queue", plural(*tasks, "task"))]
    Unreleased {
        /// The number of tasks.
        tasks: u64,
    },
    /// An error of the core.
    #[error("{}", .0.chain())]
    Core(#[from] Error),
    /// Reading or writing failed.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: String,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
}

/// Returns the reason, unless it only repeats the status.
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
    /// Returns the exit code of the error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Config(ConfigError::Io { .. }) => 74,
            Self::Config(ConfigError::Changed(_)) => 75,
            Self::Settings(_) | Self::Config(_) => 78,
            Self::TaskRunning { .. } => 75,
            Self::StillStopping { .. } => code_of_kind(ErrorKind::TimedOut),
            Self::Model { kind, .. } => code_of_failure(*kind),
            Self::UnknownTask { .. } | Self::UnknownTool { .. } | Self::UnknownServer { .. } => 66,
            Self::Server(error) => code_of_server(error),
            Self::Listen { .. } => 69,
            Self::ToolDenied { .. } => 77,
            Self::ToolFailed { code, .. } => *code,
            Self::AmbiguousTask { .. } | Self::NotWaiting { .. } => USAGE,
            Self::TaskEnded { failure, .. } => code_of_failure(failure.kind),
            Self::Core(error) => code_of(error),
            Self::Stopped { source, .. } => code_of(source),
            Self::Io { .. } | Self::Unreleased { .. } => 74,
        }
    }

    /// Returns what the user can do about the error, if there is something to suggest.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::TaskEnded { remedy, .. } => remedy.clone(),
            Self::NotWaiting { remedy, .. } => Some(remedy.clone()),
            Self::TaskRunning { id, .. } => Some(format!(
                "wait until it ends, or `az task delete --force {id}` cancels it first"
            )),
            Self::StillStopping { .. } => Some(
                "`az task list --status running` lists them; `az task cancel` again ends those \
                 whose processes are gone"
                    .to_owned(),
            ),
            Self::Model { help, .. } => Some(help.clone()),
            Self::UnknownTask { .. } => Some("`az task list` lists the tasks".to_owned()),
            Self::UnknownTool { .. } => Some("`az tools list` lists the tools".to_owned()),
            Self::UnknownServer { .. } => Some("`az mcp list` lists the servers".to_owned()),
            Self::AmbiguousTask { .. } => Some("type more characters of the id".to_owned()),
            Self::Stopped { id, source } => {
                let first = remedy_of(source)?;
                Some(match id {
                    Some(_) if matches!(**source, Error::Damaged { what: "task", .. }) => first,
                    Some(id) => format!("{first}; then `az task resume {id}` continues the task"),
                    None => first,
                })
            }
            Self::Core(error) => remedy_of(error),
            Self::Unreleased { .. } => Some(
                "the warnings above give the reasons; a worker can claim the tasks again when \
                 their leases have expired (30 s)"
                    .to_owned(),
            ),
            Self::Config(ConfigError::Invalid(problems)) => {
                let in_files = problems.iter().filter(|problem| problem.location.is_some()).count();
                let lines = if in_files == 1 { "line" } else { "lines" };
                (in_files > 0).then(|| {
                    format!(
                        "correct the {lines} above; `az config validate` checks the files again"
                    )
                })
            }
            Self::Usage(_)
            | Self::Settings(_)
            | Self::Config(_)
            | Self::ToolDenied { .. }
            | Self::ToolFailed { .. }
            | Self::Server(_)
            | Self::Listen { .. }
            | Self::Io { .. } => None,
        }
    }
}

/// What to do about a model without a price under a hard budget.
pub const UNPRICED: &str = "give the model a price in the configuration (input_cost_per_token and \
                            output_cost_per_token of its entry, or llm.prices_file), choose one \
                            that `az models list --all` lists, or make the budget --soft";

/// What to do about a budget of which a part is booked for calls that may have cost nothing.
pub const RELEASE: &str =
    "`az cost reconcile` lists the failed calls that may have cost nothing, and releases them; ";

fn remedy_of(error: &Error) -> Option<String> {
    let text = match error {
        Error::BudgetExceeded { scope, period, amount, left, uncertain, needed, .. } => {
            let enough = amount.minus(*left).plus(*needed);
            let set = set_budget(scope, *period, enough.max(amount.plus(*amount)), &[]);
            let release = if *uncertain > Usd::ZERO { RELEASE } else { "" };
            return Some(format!(
                "{release}`{set}` raises the budget; `az cost budget show` shows all of them"
            ));
        }
        Error::Unpriced { .. } => UNPRICED,
        Error::Damaged { what: "task", id, .. } => {
            return Some(format!("`az task delete {id}` deletes it"));
        }
        Error::Damaged { what: "budget", .. } => {
            "`az cost budget set` replaces it, and `az cost budget clear` removes it"
        }
        Error::Damaged { .. } => "`az db status --check` lists what is damaged",
        Error::Full { .. } => "free disk space",
        Error::Io { .. } => "check the disk; `az db status --check` checks the database",
        Error::Threads { .. } => {
            "this user has too many processes, or the machine too little memory: end some, or raise \
             the limit (`ulimit -u`)"
        }
        Error::Busy { .. } => "another process has locked the database; try again later",
        Error::ReadOnly { .. } => {
            "make the database and its directory writable for this user, or choose another \
             directory with --data-dir; commands that only read work without"
        }
        Error::Inaccessible { .. } => {
            "check that the path exists and that this user may use it, or choose another directory \
             with --data-dir"
        }
        Error::Unusable { .. } => {
            "choose another directory with --data-dir; `az db init --force` renames the file, which \
             is kept, and creates a new database"
        }
        Error::Replaced { .. } => "start the command again: it opens the database at this path",
        Error::OlderSchema { .. } => {
            "`az db init` migrates it, as every command that writes does; before that it makes a \
             backup"
        }
        Error::NewerSchema { .. } => "use the newer az that wrote it, or another --data-dir",
        Error::SchemaChanged { .. } => "run the newer az from now on",
        Error::NotFound { what: "database", .. } => {
            "`az db init` creates it, and so does `az task run`"
        }
        Error::LeaseLost { .. } => {
            "the lease could not be renewed in time, or another process has claimed the task; \
             `az task list` shows its status"
        }
        Error::Waiting { task, .. } => {
            return Some(format!("`az task show {task}` shows the call and how to answer it"));
        }
        Error::LeaseHeld { task, .. } => {
            return Some(format!("wait until it ends, or stop it with `az task cancel {task}`"));
        }
        _ => return None,
    };
    Some(text.to_owned())
}

fn code_of_server(error: &ClientError) -> u8 {
    match error {
        ClientError::NoSuchTool { .. } => 66,
        ClientError::Unavailable { .. } | ClientError::Lost { .. } => 69,
        ClientError::Refused { .. } => 1,
        ClientError::Changed { .. } => 77,
        ClientError::TimedOut { .. } => 124,
        ClientError::Cancelled { .. } => 130,
        _ => 76,
    }
}

fn code_of(error: &Error) -> u8 {
    match error {
        Error::NotFound { what: "task" | "database", .. } => 66,
        Error::Invalid { .. } => USAGE,
        _ => code_of_kind(error.kind()),
    }
}

/// Returns the exit code of a failed task; it is 1 unless the kind has a code of its own.
fn code_of_failure(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Agent | ErrorKind::Invalid | ErrorKind::StepLimit | ErrorKind::CallLimit => 1,
        // The only thing that a task can fail to find is its model.
        ErrorKind::NotFound => 78,
        kind => code_of_kind(kind),
    }
}

fn code_of_kind(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Agent | ErrorKind::StepLimit | ErrorKind::CallLimit => 1,
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

    use super::{CliError, code_of_failure};

    #[test]
    fn tasks_that_do_not_stop_are_counted() {
        let message = |tasks| CliError::StillStopping { tasks }.to_string();
        assert_eq!(message(1), "cancellation requested; 1 task still stops");
        assert_eq!(message(72), "cancellation requested; 72 tasks still stop");
        assert_eq!(CliError::StillStopping { tasks: 1 }.exit_code(), 124);
    }

    #[test]
    fn an_unknown_model_of_a_task_is_a_settings_error() {
        assert_eq!(code_of_failure(ErrorKind::NotFound), 78);
    }
}
