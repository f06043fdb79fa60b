//! What commands print with `--json` about what they did: objects with a field `event`, as the events
//! of tasks are.

use az_core::cost::Period;
use az_core::engine::WorkerReport;
use az_core::{CallId, TaskId, TaskPriority};
use schemars::JsonSchema;
use serde::Serialize;

use super::budget::BudgetView;
use super::setting::SettingView;
use super::store::LeftoverView;

/// What a command did, or why it could not.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum NoticeView {
    /// A task waits in the queue.
    TaskQueued {
        /// The task.
        task: TaskId,
        /// Its priority.
        priority: TaskPriority,
    },
    /// A task that was to be cancelled has ended.
    TaskEnded {
        /// The task.
        task: TaskId,
        /// Its status: `cancelled`, one that it had before, or `deleted`.
        status: String,
    },
    /// The call that a parked task waits for was answered.
    TaskAnswered {
        /// The task.
        task: TaskId,
        /// The call.
        call: CallId,
        /// The tool of the call.
        tool: String,
        /// What was done: `approved`, `denied` or `answered`.
        answer: String,
    },
    /// A task and its journal were deleted.
    TaskDeleted {
        /// The task.
        task: TaskId,
    },
    /// A hint was sent to a task.
    HintSent {
        /// The task.
        task: TaskId,
        /// The id of the hint; the event that records it is about this call.
        call: CallId,
    },
    /// A worker ended.
    WorkerFinished(WorkerReportView),
    /// A budget was set.
    BudgetSet(BudgetView),
    /// A budget was removed.
    BudgetCleared {
        /// What it covered.
        scope: String,
        /// Its period.
        period: Period,
    },
    /// Uncertain costs were released or confirmed.
    CostsReconciled {
        /// Whether they were released; otherwise they were confirmed.
        released: bool,
        /// How many calls they are of.
        calls: usize,
        /// What was booked for the calls.
        before_nanos: i64,
        /// What was booked, in dollars.
        before_usd: String,
        /// What is booked for the calls now.
        after_nanos: i64,
        /// What is booked now, in dollars.
        after_usd: String,
    },
    /// The store can be used.
    StoreReady {
        /// The address of the store, without a password.
        store: String,
        /// Whether the store was created now.
        created: bool,
        /// Where the store that it replaces is kept.
        replaced: Option<String>,
    },
    /// The store was cleaned.
    StoreCleaned {
        /// What was removed.
        removed: Vec<LeftoverView>,
        /// What interrupted writes left behind and was not removed.
        kept: Vec<LeftoverView>,
    },
    /// A key of the configuration was set.
    ConfigSet {
        /// The full name of the key.
        key: String,
        /// The file, or `the store`.
        source: String,
    },
    /// A key of the configuration was removed.
    ConfigUnset {
        /// The full name of the key.
        key: String,
        /// The file, or `the store`.
        source: String,
    },
    /// A file of the configuration was edited.
    ConfigEdited {
        /// The file.
        source: String,
    },
    /// What a project's file sets, and what counts only once it is trusted.
    ConfigWithheld {
        /// The file.
        path: String,
        /// Whether it is trusted as it is now.
        trusted: bool,
        /// The keys with their values.
        settings: Vec<SettingView>,
    },
    /// A project's file was trusted, or is not any more.
    ConfigTrusted {
        /// The file.
        path: String,
        /// Whether it is trusted now.
        trusted: bool,
    },
    /// The command failed.
    Error {
        /// What is wrong.
        message: String,
        /// What to do about it.
        help: Option<String>,
        /// The code that the process exits with.
        exit_code: u8,
    },
}

/// What a worker did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct WorkerReportView {
    /// The number of tasks that completed.
    pub completed: u64,
    /// The number of tasks that failed.
    pub failed: u64,
    /// The number of tasks that were cancelled.
    pub cancelled: u64,
    /// The number of tasks that were parked until they are answered.
    pub parked: u64,
    /// The number of tasks that were returned to the queue.
    pub released: u64,
    /// The number of tasks that another worker claimed.
    pub lost: u64,
    /// The number of tasks that could not be returned to the queue; their leases expire.
    pub unreleased: u64,
    /// How long the worker ran.
    pub duration_ms: u64,
}

impl WorkerReportView {
    /// Returns the view of the report of a worker that ran for this long.
    pub const fn new(report: &WorkerReport, duration_ms: u64) -> Self {
        let WorkerReport { completed, failed, cancelled, parked, released, lost, unreleased } =
            *report;
        Self { completed, failed, cancelled, parked, released, lost, unreleased, duration_ms }
    }
}
