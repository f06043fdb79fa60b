//! A task, its status and its priority.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::money::Usd;

/// The largest command, in bytes. Larger input belongs into a file that the task names.
pub const LARGEST_COMMAND: usize = 1 << 20;

/// A task, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    /// The id, which is unique in its store; created by the caller.
    pub id: TaskId,
    /// What to do, in words.
    pub command: String,
    /// The status.
    pub status: TaskStatus,
    /// The priority among the tasks that wait.
    pub priority: TaskPriority,
    /// Which model to use; the program's default when absent.
    pub model: Option<String>,
    /// What it has cost so far, as far as prices are known.
    pub cost: Usd,
    /// The estimated tokens of the command; 0 if it was not estimated.
    pub estimated_tokens: u64,
    /// Tokens used so far, in and out.
    pub actual_tokens: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it first ran.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// The task that this one is a part of.
    pub parent_task_id: Option<TaskId>,
    /// The limits and the environment.
    pub options: TaskOptions,
    /// The answer, once completed.
    pub answer: Option<String>,
    /// Why it did not complete, once failed or cancelled.
    pub failure: Option<Failure>,
}

/// The limits and the environment of a task.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskOptions {
    /// The only tools it may use; all when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Vec<String>>,
    /// Tools that may run without asking.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allow: Vec<String>,
    /// The most model calls it may make.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_steps: Option<u32>,
    /// The longest one run of it may take, in milliseconds when serialised.
    #[serde(with = "millis", skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
    /// The directory that its tools work in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workspace: Option<String>,
}

impl Task {
    /// Returns a new task with defaults for all but its id, its command and its time.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] when the command is blank, larger than [`LARGEST_COMMAND`] or has a NUL.
    pub fn new(id: TaskId, command: impl Into<String>, now: Timestamp) -> Result<Self> {
        let command = command.into();
        if command.trim().is_empty() {
            return Err(Error::invalid("command", "must not be empty; describe what to do"));
        }
        if command.len() > LARGEST_COMMAND {
            let size = command.len();
            return Err(Error::invalid(
                "command",
                format!("{size} bytes, at most {LARGEST_COMMAND}; put large input into a file"),
            ));
        }
        if command.contains('\0') {
            return Err(Error::invalid("command", "it contains a NUL character"));
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
        })
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

    /// Returns the task as a part of another.
    #[must_use]
    pub fn with_parent(mut self, parent: TaskId) -> Self {
        self.parent_task_id = Some(parent);
        self
    }

    /// Moves the task to `next` at `now`, and keeps its times in step.
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
        self.status = next;
        self.updated_at = now;
        Ok(())
    }
}

macro_rules! names {
    ($type:ident, $what:literal, $($variant:ident = $name:literal),+) => {
        impl $type {
            /// All of them, in order.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// Returns the name used in records and on the command line.
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
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Created, and not enqueued.
    Initialized,
    /// Waiting for a worker.
    Pending,
    /// Leased to a worker.
    Running,
    /// Ended with an answer.
    Completed,
    /// Ended with a failure; can be enqueued or claimed again.
    Failed,
    /// Cancelled; can be enqueued or claimed again.
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
    /// Whether a task may go from this status to `next`.
    pub const fn allows(self, next: Self) -> bool {
        match self {
            Self::Initialized => matches!(next, Self::Pending | Self::Running | Self::Cancelled),
            Self::Pending => matches!(next, Self::Running | Self::Cancelled),
            // Back to pending: released for another worker. Running again: claimed anew after
            // the lease ran out.
            Self::Running => !matches!(next, Self::Initialized),
            // An explicit resume takes them up where their record ends.
            Self::Failed | Self::Cancelled => matches!(next, Self::Pending | Self::Running),
            Self::Completed => false,
        }
    }

    /// Checks that a task may go from this status to `next`.
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

    /// Whether the task is no longer waiting or running.
    pub const fn is_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// How soon a task should run; later ones order first.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum TaskPriority {
    /// When nothing else is waiting.
    Low,
    /// The usual.
    #[default]
    Medium,
    /// Before the usual.
    High,
    /// Before everything.
    Urgent,
}

names!(TaskPriority, "priority", Low = "low", Medium = "medium", High = "high", Urgent = "urgent");

/// Serialises an optional duration as whole milliseconds.
pub mod millis {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    /// Writes milliseconds.
    ///
    /// # Errors
    ///
    /// The serialiser's own.
    pub fn serialize<S: Serializer>(d: &Option<Duration>, s: S) -> Result<S::Ok, S::Error> {
        d.map(|d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)).serialize(s)
    }

    /// Reads milliseconds.
    ///
    /// # Errors
    ///
    /// The deserialiser's own.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Option<Duration>, D::Error> {
        Ok(Option::<u64>::deserialize(d)?.map(Duration::from_millis))
    }
}

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
