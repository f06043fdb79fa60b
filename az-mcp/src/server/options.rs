//! The options of a server.

use std::num::NonZeroUsize;
use std::time::Duration;

use az_core::cost::Payer;
use az_core::{Result, TaskId};

/// How many tools a page of the list has by default. Some clients read one page only.
const PAGE: NonZeroUsize = NonZeroUsize::new(250).unwrap();
/// How many calls run at once by default.
const MAX_CALLS: NonZeroUsize = NonZeroUsize::new(16).unwrap();
/// How long a call may take by default.
const TIMEOUT: Duration = Duration::from_secs(600);

/// The options of a server.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ServeOptions {
    /// The name that clients are told.
    pub name: String,
    /// The version that clients are told.
    pub version: String,
    /// What clients are told about the use of the tools, for their models.
    pub instructions: Option<String>,
    /// How many tools a page of the list has.
    pub page_size: NonZeroUsize,
    /// How many calls run at once; further ones wait.
    pub max_calls: NonZeroUsize,
    /// The time limit of calls of tools that have none of their own.
    pub timeout: Option<Duration>,
    /// In whose name the calls are made; in that of no one if absent.
    pub caller: Option<CallerOptions>,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            name: "az-os".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            instructions: None,
            page_size: PAGE,
            max_calls: MAX_CALLS,
            timeout: Some(TIMEOUT),
            caller: None,
        }
    }
}

impl ServeOptions {
    /// Sets the name and version that clients are told.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>, version: impl Into<String>) -> Self {
        (self.name, self.version) = (name.into(), version.into());
        self
    }

    /// Sets what clients are told about the use of the tools.
    #[must_use]
    pub fn with_instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// Sets how many tools a page of the list has.
    #[must_use]
    pub const fn with_page_size(mut self, page_size: NonZeroUsize) -> Self {
        self.page_size = page_size;
        self
    }

    /// Sets how many calls run at once.
    #[must_use]
    pub const fn with_max_calls(mut self, max_calls: NonZeroUsize) -> Self {
        self.max_calls = max_calls;
        self
    }

    /// Sets the time limit of calls of tools that have none of their own.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Option<Duration>) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets in whose name the calls are made.
    #[must_use]
    pub fn with_caller(mut self, caller: CallerOptions) -> Self {
        self.caller = Some(caller);
        self
    }
}

/// In whose name calls are made.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CallerOptions {
    /// The id that the calls have in place of a task's. Keys of calls begin with it, so that it has to be
    /// unique over time. What calls leave running is ended under it when the server ends.
    pub task: TaskId,
    /// What the costs of the calls are booked to.
    pub payer: Payer,
    /// The directory that calls work in.
    pub workspace: Option<String>,
}

impl CallerOptions {
    /// Creates a caller whose costs are booked to its own id.
    pub fn new(task: TaskId) -> Self {
        Self { payer: Payer::from(&task), task, workspace: None }
    }

    /// Sets what the costs of the calls are booked to.
    #[must_use]
    pub fn paid_by(mut self, payer: Payer) -> Self {
        self.payer = payer;
        self
    }

    /// Sets the directory that calls work in.
    #[must_use]
    pub fn in_workspace(mut self, workspace: impl Into<String>) -> Self {
        self.workspace = Some(workspace.into());
        self
    }
}

impl ServeOptions {
    /// Returns the caller; the one of calls outside any task if there is none.
    ///
    /// # Errors
    ///
    /// None in practice; the fixed id is checked like any other.
    pub(super) fn caller(&self) -> Result<CallerOptions> {
        match &self.caller {
            Some(caller) => Ok(caller.clone()),
            None => Ok(CallerOptions::new(TaskId::new("bare")?)),
        }
    }
}
