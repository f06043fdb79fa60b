//! A task, its status and its priority.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::options::TaskOptions;
use super::waiting::Waiting;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::money::Usd;

/// The largest command, in bytes. Larger input belongs in a file that the command names.
pub const LARGEST_COMMAND: usize = 1 << 20;

/// Something that a person or a program wants done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// Unique in its store; created by the caller.
    pub id: TaskId,
    /// The command, in words.
    pub command: String,
    /// The status.
    pub status: TaskStatus,
    /// The priority.
    pub priority: TaskPriority,
    /// The model; the program's default if absent.
    pub model: Option<String>,
    /// The cost so far, without calls whose price is unknown.
    pub cost: Usd,
    /// The estimated tokens of the command; 0 if it was not estimated.
    pub estimated_tokens: u64,
    /// The tokens used so far, input and output.
    pub actual_tokens: u64,
    /// The time at which it was created.
    pub created_at: Timestamp,
    /// The time at which it first ran.
    pub started_at: Option<Timestamp>,
    /// The time at which it ended.
    pub completed_at: Option<Timestamp>,
    /// The time at which it last changed.
    pub updated_at: Timestamp,
    /// The task that this one is a part of.
    pub parent_task_id: Option<TaskId>,
    /// Limits, permissions and the workspace.
    pub options: TaskOptions,
    /// The answer, once completed.
    pub answer: Option<String>,
    /// The reason that it did not complete, once failed or cancelled.
    pub failure: Option<Failure>,
    /// The call that the task waits for, if it is parked: it is pending then, and not claimed before
    /// the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Box<Waiting>>,
    /// The part of the stored task that cannot be read, and why; that part has its default here. Only
    /// stores set it. Such a task can be listed, cancelled and deleted. Claims of the next task skip
    /// it; a claim by name, an update and enqueueing are refused with `Damaged`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damage: Option<String>,
}

impl Task {
    /// Creates a task with defaults for all but its id, its command and its time.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when the command is blank, larger than [`LARGEST_COMMAND`] or has a NUL.
    pub fn new(id: TaskId, command: impl Into<String>, now: Timestamp) -> Result<Self> {
        let command = command.into();
        if command.trim().is_empty() {
            return Err(Error::invalid("command", "must not be empty"));
        }
        if command.len() > LARGEST_COMMAND {
            let size = command.len();
            return Err(Error::invalid(
                "command",
                format!(
                    "{size} bytes, at most {LARGEST_COMMAND} are allowed; put large input into a file"
                ),
            ));
        }
        if command.contains('\0') {
            return Err(Error::invalid("command", "must not contain a NUL character"));
        }
        Ok(Self {
            id,
            command,
            status: TaskStatus::Initialized,
            priority: TaskPriority::Medium,
            model: None,
            cost: Usd::ZERO,
            estimated_tokens: 0,
            actual_tokens: 0,
            created_at: now,
            started_at: None,
            completed_at: None,
            updated_at: now,
            parent_task_id: None,
            options: TaskOptions::default(),
            answer: None,
            failure: None,
            waiting: None,
            damage: None,
        })
    }

    /// Checks that all of the stored task can be read. For implementers of stores.
    ///
    /// # Errors
    ///
    /// [`Error::Damaged`] otherwise.
    pub fn check_undamaged(&self) -> Result<()> {
        let damaged = |reason: &String| Error::Damaged {
            what: "task",
            id: self.id.to_string(),
            reason: reason.clone(),
        };
        self.damage.as_ref().map(damaged).map_or(Ok(()), Err)
    }

    /// Sets the estimated tokens of the command.
    #[must_use]
    pub const fn with_estimated_tokens(mut self, tokens: u64) -> Self {
        self.estimated_tokens = tokens;
        self
    }

    /// Returns the task with another priority.
    #[must_use]
    pub const fn with_priority(mut self, priority: TaskPriority) -> Self {
        self.priority = priority;
        self
    }

    /// Returns the task with a model.
    #[must_use]
    pub fn with_model(mut self, model: impl Into<String>) -> Self {
        self.model = Some(model.into());
        self
    }

    /// Returns the task with options.
    #[must_use]
    pub fn with_options(mut self, options: TaskOptions) -> Self {
        self.options = options;
        self
    }

    /// Returns the task as part of another.
    #[must_use]
    pub fn with_parent(mut self, parent: TaskId) -> Self {
        self.parent_task_id = Some(parent);
        self
    }

    /// Changes the status to `next` at `now`, and the times that depend on it.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when [`TaskStatus::allows`] does not.
    pub fn move_to(&mut self, next: TaskStatus, now: Timestamp) -> Result<()> {
        self.status.check_move(next)?;
        if next == TaskStatus::Running {
            self.started_at.get_or_insert(now);
        }
        self.completed_at = next.is_ended().then_some(now);
        if !next.is_ended() {
            self.failure = None;
        }
        self.waiting = None;
        self.status = next;
        self.updated_at = now;
        Ok(())
    }
}

macro_rules! names {
    ($type:ident, $what:literal, $($variant:ident = $name:literal),+) => {
        impl $type {
            /// All values, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the name used in journals and on the command line.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $type {
            type Err = Error;
            fn from_str(name: &str) -> Result<Self> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(Error::invalid(
                        $what,
                        format!("{name:?} is none of {}", [$($name),+].join(", ")),
                    )),
                }
            }
        }
    };
}

/// The status of a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Created, not yet queued.
    Initialized,
    /// Waiting for a worker.
    Pending,
    /// Claimed by a worker under a lease.
    Running,
    /// Ended with an answer.
    Completed,
    /// Ended with a failure; can be resumed.
    Failed,
    /// Stopped on request; can be resumed.
    Cancelled,
}

names!(
    TaskStatus,
    "status",
    Initialized = "initialized",
    Pending = "pending",
    Running = "running",
    Completed = "completed",
    Failed = "failed",
    Cancelled = "cancelled"
);

impl TaskStatus {
    /// Returns `true` if a task may change from this status to `next`.
    pub const fn allows(self, next: Self) -> bool {
        match self {
            Self::Initialized => matches!(next, Self::Pending | Self::Running | Self::Cancelled),
            Self::Pending => matches!(next, Self::Running | Self::Cancelled),
            // Back to pending: released for another worker. Running again: claimed after the lease
            // expired.
            Self::Running => !matches!(next, Self::Initialized),
            // An explicit resume continues them from the end of their journal.
            Self::Failed | Self::Cancelled => matches!(next, Self::Pending | Self::Running),
            Self::Completed => false,
        }
    }

    /// Checks that a task may change from this status to `next`.
    ///
    /// # Errors
    ///
    /// `Invalid` when [`allows`](Self::allows) does not.
    pub fn check_move(self, next: Self) -> Result<()> {
        if self.allows(next) {
            return Ok(());
        }
        Err(Error::invalid("status", format!("a task that is {self} cannot become {next}")))
    }

    /// Returns `true` if the task is neither waiting nor running.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// The priority of a task; later ones are higher.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum TaskPriority {
    /// Runs when no other task is waiting.
    Low,
    /// The default.
    #[default]
    Medium,
    /// Runs before the default.
    High,
    /// Runs before everything else.
    Urgent,
}

names!(TaskPriority, "priority", Low = "low", Medium = "medium", High = "high", Urgent = "urgent");

#[cfg(test)]
mod tests {
    use super::TaskStatus;

    #[track_caller]
    fn check(from: TaskStatus, expect: &str) {
        let next: Vec<_> =
            TaskStatus::ALL.iter().filter(|to| from.allows(**to)).map(|s| s.as_str()).collect();
        assert_eq!(next.join(" "), expect);
    }

    #[test]
    fn legal_transitions_are_these_and_no_others() {
        check(TaskStatus::Initialized, "pending running cancelled");
        check(TaskStatus::Pending, "running cancelled");
        check(TaskStatus::Running, "pending running completed failed cancelled");
        check(TaskStatus::Completed, "");
        check(TaskStatus::Failed, "pending running");
        check(TaskStatus::Cancelled, "pending running");
    }
}
