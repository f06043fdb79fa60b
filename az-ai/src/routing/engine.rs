//! The contract of a routing engine.

use std::fmt;

use async_trait::async_trait;
use az_core::Task;

use super::problem::RulesError;
use super::route::Route;
use crate::config::RoutingRule;
use crate::error::{Error, Result};
use crate::resolver::{CallReport, ResolvedModel, RoutingQuery};

/// Chooses the model for a request, and its fallbacks.
///
/// # Contract
///
/// 1. Rules are evaluated in order. The model of the first rule that holds and is usable comes
///    first; the models of the other rules that hold follow. `fallback` holds when no other rule
///    does, and its models follow in any case.
/// 2. A decision performs no I/O. It is deterministic until the rules, a report or the time change
///    it.
/// 3. There is at least one candidate, or an error that explains why there is none; no model is a
///    candidate twice.
/// 4. A requested model comes first whatever the rules are. Only rules that use `model`, and
///    `fallback`, add models after it.
/// 5. A provider that failed is excluded for a while, at least for the time that it asks for, until
///    a reply is reported, whether the wall clock is set meanwhile or not. When all are excluded, the
///    one whose cooldown ends first is chosen.
/// 6. A model is excluded that does not support what the request requires, or whose context window
///    is smaller than the request and its reply. When no window is large enough, the largest is
///    chosen.
/// 7. New rules are accepted all together or not at all; decisions continue meanwhile, and each
///    uses either the old rules or the new ones.
/// 8. Each decision has a step for every rule, in order, with its outcome.
/// 9. Rules compare `tokens` with the size of the prompt, whatever is sent with it; context windows
///    are compared with the size of the request.
/// 10. Without a requested model, the model that the task [keeps](RoutingQuery::kept) comes first if it is
///     usable, whatever the rules are. Otherwise the decision is the one without it.
///
/// A complete example is `examples/custom_router.rs`.
#[async_trait]
pub trait RoutingEngine: fmt::Debug + Send + Sync + 'static {
    /// Returns the candidates for a request.
    ///
    /// # Errors
    ///
    /// `UnknownModel` for an unknown name; `Setup` or `Unsupported` when no model is usable.
    fn route(&self, query: &RoutingQuery<'_>) -> Result<Route>;

    /// Records the outcome of a call.
    fn report(&self, model: &ResolvedModel, result: CallReport);

    /// Replaces the rules.
    ///
    /// # Errors
    ///
    /// All errors in the rules, together; the old rules stay in force.
    async fn update_routing_rules(&self, rules: Vec<RoutingRule>) -> Result<(), RulesError>;
}

/// Conveniences for callers. Implemented for every [`RoutingEngine`]; never implement it yourself.
#[async_trait]
pub trait RoutingEngineExt: RoutingEngine {
    /// Returns the name of the first candidate for a task.
    ///
    /// `estimated_tokens` is the size of the task's prompt; 0 uses the task's own estimate.
    ///
    /// # Errors
    ///
    /// Those of [`RoutingEngine::route`].
    async fn optimal_provider(&self, task: &Task, estimated_tokens: u64) -> Result<String> {
        let query = RoutingQuery::for_task(task).with_prompt_tokens(estimated_tokens);
        let route = self.route(&query)?;
        let first = route.candidates.first();
        first.map(|choice| choice.name.as_ref().to_owned()).ok_or_else(no_candidate)
    }
}

impl<E: RoutingEngine + ?Sized> RoutingEngineExt for E {}

fn no_candidate() -> Error {
    Error::Setup { provider: "routing".to_owned(), reason: "there is no candidate".to_owned() }
}
