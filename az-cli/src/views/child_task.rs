//! The tasks that are parts of a task, and what they cost.

use az_core::journal::ChildTotals;
use az_core::{Task, TaskId, TaskStatus, Usd};
use schemars::JsonSchema;
use serde::Serialize;

use super::units::money;
use super::waiting::WaitingView;

/// A task that is a part of another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ChildTaskView {
    /// The id.
    pub id: TaskId,
    /// The status.
    pub status: TaskStatus,
    /// Whether the task has spawned it: it is cancelled and resumed with the task.
    pub spawned: bool,
    /// The most that it may spend, if the task has set a limit.
    pub budget_nanos: Option<i64>,
    /// The cost so far, without the calls whose price is unknown and without its own parts.
    pub cost_nanos: i64,
    /// Whether the price of some calls is unknown.
    pub unpriced: bool,
    /// The call that it waits for; absent unless it is parked.
    pub waiting: Option<WaitingView>,
    /// The command.
    pub command: String,
}

impl ChildTaskView {
    /// Returns the view of a part; `unpriced` is whether the price of some of its calls is unknown.
    pub(super) fn new(task: Task, unpriced: bool) -> Self {
        let Task { id, status, cost, command, options, waiting, .. } = task;
        let budget = options.spawned.as_ref().and_then(|spawned| spawned.budget);
        Self {
            id,
            status,
            spawned: options.spawned.is_some(),
            budget_nanos: budget.map(Usd::nanos),
            cost_nanos: cost.nanos(),
            unpriced,
            waiting: waiting.as_deref().map(WaitingView::from),
            command,
        }
    }
}

/// What the tasks that were spawned below a task cost so far, at all levels together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct ChildTotalsView {
    /// The number of tasks.
    pub tasks: u64,
    /// Their cost, without the calls whose price is unknown and without the task itself.
    pub cost_nanos: i64,
    /// The cost in dollars.
    pub cost_usd: String,
    /// Whether the price of some of their calls is unknown.
    pub unpriced: bool,
}

impl From<ChildTotals> for ChildTotalsView {
    fn from(totals: ChildTotals) -> Self {
        let ChildTotals { tasks, cost, unpriced } = totals;
        let (cost_nanos, cost_usd) = money(cost);
        Self { tasks, cost_nanos, cost_usd, unpriced }
    }
}
