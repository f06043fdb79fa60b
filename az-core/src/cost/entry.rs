//! One line of the ledger.

use serde::{Deserialize, Serialize};

use super::usage::Usage;
use crate::clock::Timestamp;
use crate::id::{CallId, TaskId};
use crate::money::Usd;

/// What one call cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostEntry {
    /// The task that it was for.
    pub task: TaskId,
    /// The call in it; with the task, the entry's name.
    pub call: CallId,
    /// Who was paid.
    pub provider: String,
    /// For which model.
    pub model: String,
    /// What was used.
    pub usage: Usage,
    /// What it cost; `None` when nobody knows, which is not the same as nothing.
    pub cost: Option<Usd>,
    /// What we compute that it cost, kept beside what the provider says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub computed: Option<Usd>,
    /// Whether the cost rests on a guess: an upper bound because the true one was never learnt, or
    /// tokens that nobody but us has counted.
    pub estimated: bool,
    /// When the call was begun: the period that it counts in.
    pub at: Timestamp,
}
