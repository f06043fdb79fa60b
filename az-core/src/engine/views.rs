//! What the calls of a model are told about the files that the task has seen.

use std::sync::Arc;

use super::run::Run;
use crate::id::CallId;
use crate::tool::SeenFiles;

impl Run {
    /// Declares that the model's turns are the plan of a program, as those of the offline planner are.
    ///
    /// By default, a call of a model's turn has what the task has seen of files
    /// ([`Invocation::seen`](crate::tool::Invocation::seen)), and tools refuse one that would change
    /// what the model has not seen. Calls of the agent's own ([`call_tool`](Self::call_tool), and
    /// [`act`](Self::act) without a turn) do not have it.
    pub const fn set_planned_calls(&mut self, planned: bool) {
        self.has_planned_calls = planned;
    }

    /// Sets the most bytes of a result that the model is shown of what it reads
    /// ([`Invocation::shown_bytes`](crate::tool::Invocation::shown_bytes)).
    pub const fn set_shown_bytes(&mut self, bytes: Option<usize>) {
        self.shown_bytes = bytes;
    }

    /// Returns what the task has seen of files, for a call of a model's turn.
    ///
    /// It is read when the call is made, after the earlier calls of the same turn: the call that reads
    /// a file and the one that changes it may be in one turn.
    pub(super) fn seen_for(&self, call: &CallId) -> Option<Arc<SeenFiles>> {
        let is_of_model = call.is_of_turn() && !self.has_planned_calls;
        is_of_model.then(|| Arc::clone(&self.history.seen))
    }
}
