//! The contract of who is asked, and who then.

use std::fmt;

use async_trait::async_trait;
use az_core::Task;

use super::problem::RulesError;
use super::route::{Choice, Route};
use crate::chat::{ChatReply, ChatRequest, DEFAULT_MAX_TOKENS};
use crate::config::RoutingRule;
use crate::elsewhere;
use crate::error::{Error, Result};
use crate::resolver::{Needs, Reported, ResolvedModel, Wanted};

/// Decides which model is asked, and which one when that one fails.
///
/// # Contract
///
/// 1. Rules are asked in their order. The first one that holds and whose model can be asked
///    decides; the others that hold follow. `fallback` holds when no other rule does, and its
///    models follow in any case.
/// 2. A decision asks nobody, and is the same until a rule, a report or the time changes it.
/// 3. There is at least one candidate, or an error that says why there is none; nobody is a
///    candidate twice.
/// 4. A model that was named comes first whatever the rules say. Only rules that speak of names,
///    and `fallback`, say who follows it.
/// 5. A provider that failed is passed over for a while, for as long as it asks at least, until a
///    reply is reported. When all are, the one that is free soonest is asked.
/// 6. A model is passed over that cannot do what the request needs, or whose context window it does
///    not fit into, together with the reply. When it fits into none, the largest is asked.
/// 7. New rules are taken all together or not at all; decisions go on meanwhile, and each is made
///    by the old ones or by the new ones.
/// 8. Every rule has a step in each decision, in their order, which says what came of it.
///
/// A complete example is `examples/custom_router.rs`.
#[async_trait]
pub trait RoutingEngine: fmt::Debug + Send + Sync + 'static {
    /// Decides who is asked.
    ///
    /// # Errors
    ///
    /// `UnknownModel` for a name that nobody has; `Setup` or `Unsupported` when nobody can be
    /// asked.
    fn route(&self, wanted: &Wanted<'_>) -> Result<Route>;

    /// Takes note of what became of a call.
    fn report(&self, model: &ResolvedModel, result: Reported);

    /// Decides by other rules from now on.
    ///
    /// # Errors
    ///
    /// All that is wrong with the rules, if anything is; then the old ones stay.
    async fn update_routing_rules(&self, rules: Vec<RoutingRule>) -> Result<(), RulesError>;
}

/// Conveniences for callers. Implemented for every [`RoutingEngine`]; never implement it yourself.
#[async_trait]
pub trait RoutingEngineExt: RoutingEngine {
    /// Returns the name of the model that a task would be given to first.
    ///
    /// # Errors
    ///
    /// Those of [`RoutingEngine::route`].
    async fn optimal_provider(&self, task: &Task, estimated_tokens: u64) -> Result<String> {
        let route = self.route(&wanted(task, &task.command, estimated_tokens))?;
        let first = route.candidates.first();
        first.map(|choice| choice.name.as_ref().to_owned()).ok_or_else(nobody)
    }

    /// Asks one thing: the best candidate, and the next one after a failure that may be that
    /// provider's alone.
    ///
    /// Nothing is recorded or booked; within a run, the agent does that.
    ///
    /// # Errors
    ///
    /// Those of [`RoutingEngine::route`], and the last candidate's.
    async fn execute_with_routing(
        &self,
        task: &Task,
        prompt: &str,
        estimated_tokens: u64,
    ) -> Result<ChatReply> {
        let route = self.route(&wanted(task, prompt, estimated_tokens))?;
        let mut last = nobody();
        for Choice { model, .. } in &route.candidates {
            let most = model.client.capabilities(&model.model).max_output;
            let most = most.and_then(|most| u32::try_from(most).ok()).unwrap_or(u32::MAX);
            let request = ChatRequest::prompt(&model.model, prompt);
            let request = request.with_max_tokens(DEFAULT_MAX_TOKENS.min(most));
            match model.client.chat(&request).await {
                Ok(reply) => {
                    self.report(model, Reported::Replied);
                    return Ok(reply);
                }
                Err(error) => {
                    let (kind, retry_after) = (error.kind(), error.retry_after());
                    self.report(model, Reported::Failed { kind, retry_after });
                    last = error;
                    if !elsewhere::may_help(kind) {
                        break;
                    }
                }
            }
        }
        Err(last)
    }
}

impl<E: RoutingEngine + ?Sized> RoutingEngineExt for E {}

fn wanted<'a>(task: &'a Task, text: &'a str, tokens: u64) -> Wanted<'a> {
    Wanted {
        model: task.model.as_deref(),
        text,
        priority: task.priority,
        tokens,
        max_tokens: DEFAULT_MAX_TOKENS,
        needs: Needs::default(),
        budget_left: None,
    }
}

fn nobody() -> Error {
    Error::Setup { provider: "routing".to_owned(), reason: "there is no candidate".to_owned() }
}
