//! The contract of the ReAct loop.

use async_trait::async_trait;
use az_core::journal::{CallRecord, ModelReply};
use az_core::{Agent, Answer, Result, Run};
use serde_json::Value;

/// Runs the loop of reasoning, acting and observing until there is an answer.
///
/// [`execute_react`](Self::execute_react) is the whole loop. An agent with a loop of its own calls
/// the three parts as it chooses, on the same journal:
///
/// ```no_run
/// # use az_ai::ReActEngine;
/// # use az_core::{Result, Run};
/// # use serde_json::json;
/// # async fn work(engine: &dyn ReActEngine, run: &mut Run) -> Result<()> {
/// let listed = engine.act(run, "filesystem.list", json!({"path": "."})).await?;
/// let observation = engine.observe(run, &listed).unwrap_or_default();
/// let reply = engine.reason(run, &observation).await?;
/// # Ok(()) }
/// ```
///
/// # Contract
///
/// 1. Each step is a function of the journal: resumed after a crash, the loop continues with the
///    step at which the journal ends, and repeats none that has a result.
/// 2. Reasoning requests the next turn: from the best candidate first, and from the next one after
///    a failure that it may avoid. Every attempt is recorded with its model and the reason for it.
///    The calls of a reply have no effect before [`act`](Self::act), and a failed attempt has none.
/// 3. An observation that is passed to [`reason`](Self::reason) is recorded, and the model sees it
///    before its next turn and in all later requests. An empty one is no observation; the same one
///    again, before the model has replied, is recorded once.
/// 4. Acting makes one call through the run: it has one result afterwards. A call that the last
///    turn contains gets the result, so that the model sees it; another is the agent's own, and the
///    model sees it only as an observation.
/// 5. [`observe`](Self::observe) returns what the model sees of a result as text: at most as much
///    as the options allow, with a line in place of the rest.
/// 6. The loop ends: with an answer, or with an error when the model repeats itself, replies with
///    nothing, is cut off at its length limit three times in a row, pauses too often or does not fit into its context window, or when the run ends it.
#[async_trait]
pub trait ReActEngine: Agent {
    /// Runs the loop on the run's task until it has an answer, beginning with a thought (which may
    /// be empty).
    ///
    /// # Errors
    ///
    /// `Agent` when the model repeats itself or replies with nothing, `ContextWindow` when the task
    /// does not fit the model, and those of the run.
    async fn execute_react(&self, run: &mut Run, initial_thought: &str) -> Result<Answer>;

    /// Records an observation and requests the model's next turn.
    ///
    /// # Errors
    ///
    /// `Invalid` when a call of the last turn has no result: make it with [`act`](Self::act) or
    /// [`act_pending`](Self::act_pending), or decline it with [`Run::decline_pending`].
    /// `ContextWindow` when the request does not fit, and those of [`Run::call_model`].
    async fn reason(&self, run: &mut Run, observation: &str) -> Result<ModelReply>;

    /// Calls the tool `action` and returns the call's record, which has the result.
    ///
    /// A call that fails or is refused is a record with that outcome, not an error.
    ///
    /// # Errors
    ///
    /// Those of [`Run::act`].
    async fn act(&self, run: &mut Run, action: &str, arguments: Value) -> Result<CallRecord>;

    /// Makes the calls of the last turn that have no result.
    ///
    /// # Errors
    ///
    /// Those of [`Run::call_tools`].
    async fn act_pending(&self, run: &mut Run) -> Result<()>;

    /// Returns what the model sees of a result; `None` while the call has none.
    fn observe(&self, run: &Run, result: &CallRecord) -> Option<String>;
}
