//! The contract of the loop.

use async_trait::async_trait;
use az_core::journal::ModelReply;
use az_core::{Agent, Answer, CallId, Result, Run};

/// Reasons, acts and observes, in turn, until there is an answer.
///
/// # Contract
///
/// 1. Each step is a function of the run's record: taken up again after a crash, the loop goes on
///    with the step at which the record ends, and repeats none that has a result.
/// 2. Reasoning asks for the next turn: the best model that may be asked, and the next one when it
///    fails in a way that another may mend. Every attempt is on record, with who was asked and why.
///    What a reply asks for has no effect before [`act`](Self::act), and what a failed attempt said
///    has none at all.
/// 3. Acting makes the calls of the last turn, through the run: each has one result afterwards.
/// 4. What a call returned is observed in the words that the model is told, never more of it than
///    the options say, and with a line in place of what was left out.
/// 5. The loop ends: with an answer, or with an error when the model repeats itself, says nothing,
///    pauses without end, does not fit into its context window any more, or the run ends it.
#[async_trait]
pub trait ReActEngine: Agent {
    /// Carries the run's task on to its answer, beginning with a thought (which may be empty).
    ///
    /// # Errors
    ///
    /// `Agent` when the model repeats itself or says nothing, `ContextWindow` when the task has
    /// outgrown the model, and those of the run.
    async fn execute_react(&self, run: &mut Run, initial_thought: &str) -> Result<Answer>;

    /// Asks for the next turn.
    ///
    /// # Errors
    ///
    /// `ContextWindow` when it does not fit, and those of [`Run::call_model`].
    async fn reason(&self, run: &mut Run, initial_thought: &str) -> Result<ModelReply>;

    /// Makes the calls that the last turn asks for.
    ///
    /// # Errors
    ///
    /// Those of [`Run::call_tools`].
    async fn act(&self, run: &mut Run) -> Result<()>;

    /// Returns what the model is told of a call; nothing while the call has no result.
    fn observe(&self, run: &Run, call: &CallId) -> Option<String>;
}
