//! Routed calls that are held, booked and recorded in a ledger.

use std::sync::Arc;

use az_core::call::{PayerAccount, RetryPolicy};
use az_core::clock::Clock;
use az_core::cost::{BudgetKeeper, Charge, CostEntry, CostTracker, Payer, Usage};
use az_core::{Task, TaskId, Usd};

use super::engine::{RoutingEngine, RoutingEngineExt};
use super::problem::RulesError;
use crate::chat::{ChatRequest, DEFAULT_MAX_TOKENS};
use crate::config::RoutingRule;
use crate::dispatch::{ChatPrompt, DispatchOptions, Dispatched, Dispatcher, Outcome};
use crate::error::{Error, Result};
use crate::resolver::{CallReport, Candidate, ResolvedModel, RoutingQuery};

/// Routes prompts outside of a run: chooses candidates by the rules, holds and books every attempt
/// on the task, and falls back.
///
/// Within a run, the agent does the same and records each step in the journal.
#[derive(Debug, Clone)]
pub struct LlmIntegration {
    router: Arc<dyn RoutingEngine>,
    ledger: Arc<dyn CostTracker>,
    account: PayerAccount,
    clock: Arc<dyn Clock>,
    options: DispatchOptions,
}

impl LlmIntegration {
    /// Creates an integration that books in `store`. Its calls are named `prefix` and a number; pass
    /// a prefix that no other process uses for the same tasks.
    ///
    /// # Errors
    ///
    /// `Invalid` for a prefix that is not the beginning of a valid call id.
    pub fn new<S: BudgetKeeper + CostTracker>(
        router: Arc<dyn RoutingEngine>,
        store: Arc<S>,
        clock: Arc<dyn Clock>,
        prefix: &str,
    ) -> az_core::Result<Self> {
        let keeper: Arc<dyn BudgetKeeper> = Arc::<S>::clone(&store);
        // Every call names its task; this payer is replaced.
        let unused = Payer::Task(TaskId::new("routing")?);
        let account = PayerAccount::new(keeper, Arc::clone(&clock), unused, prefix)?;
        let options = DispatchOptions::default();
        Ok(Self { router, ledger: store, account, clock, options })
    }

    /// Returns the integration with options for its dispatcher.
    #[must_use]
    pub const fn with_options(mut self, options: DispatchOptions) -> Self {
        self.options = options;
        self
    }

    /// Returns the integration with a retry policy for its last candidate.
    #[must_use]
    pub fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.account = self.account.with_retry(retry);
        self
    }

    /// Returns the name of the model that the rules choose first for a task.
    ///
    /// # Errors
    ///
    /// Those of [`RoutingEngine::route`].
    pub async fn optimal_provider(&self, task: &Task, estimated_tokens: u64) -> Result<String> {
        self.router.optimal_provider(task, estimated_tokens).await
    }

    /// Sends a prompt to the best candidate, and to the next one after a failure that it may avoid.
    /// Each attempt is held and booked on the task. `estimated_tokens` is the size of the prompt; 0
    /// estimates it from the text.
    ///
    /// # Errors
    ///
    /// Those of [`RoutingEngine::route`]; `Account` with the budget's refusal before anything is
    /// sent; else the most relevant failure.
    pub async fn execute_with_routing(
        &self,
        task: &Task,
        prompt: &str,
        estimated_tokens: u64,
    ) -> Result<Dispatched> {
        let query = RoutingQuery::new(prompt)
            .with_model(task.model.as_deref())
            .with_priority(task.priority)
            .with_prompt_tokens(estimated_tokens);
        let route = self.router.route(&query)?;
        let candidates: Vec<_> = route.candidates.into_iter().map(Candidate::from).collect();
        let most = candidates.iter().filter_map(|candidate| {
            let model = &candidate.model;
            model.client.capabilities(&model.model).max_output
        });
        let most = most.min().and_then(|most| u32::try_from(most).ok()).unwrap_or(u32::MAX);
        let request = ChatRequest::prompt("", prompt).with_max_tokens(DEFAULT_MAX_TOKENS.min(most));
        let mut account = self.account.for_payer(Payer::Task(task.id.clone()));
        let report = |model: &ResolvedModel, result: CallReport| self.router.report(model, result);
        let dispatcher = Dispatcher::new(&candidates, &report, self.options);
        match dispatcher.dispatch(&mut account, &ChatPrompt::new(request)).await? {
            Outcome::Replied(dispatched) => Ok(*dispatched),
            Outcome::TooLong(Some(failed)) => Err((*failed).into()),
            Outcome::TooLong(None) => Err(Error::Unsupported {
                provider: "routing".to_owned(),
                reason: "the prompt does not fit into any candidate's context window".to_owned(),
            }),
        }
    }

    /// Books the cost of a call that was made elsewhere, to the default model of the provider. All
    /// tokens are booked as input, because the split is unknown.
    ///
    /// # Errors
    ///
    /// `Account` with the store's error, or for a cost that is negative.
    pub async fn track_cost(
        &self,
        task: &TaskId,
        provider: &str,
        tokens_used: u64,
        cost: Usd,
    ) -> Result<()> {
        let entry = CostEntry {
            payer: Payer::Task(task.clone()),
            call: self.account.next_call().map_err(Error::Account)?,
            provider: provider.to_owned(),
            model: provider.to_owned(),
            charge: Charge::new(Usage::tokens(tokens_used, 0), Some(cost)),
            at: self.clock.now(),
        };
        self.ledger.book(&entry).await.map_err(Error::Account)
    }

    /// Replaces the rules; calls in progress keep the rules that they were routed by.
    ///
    /// # Errors
    ///
    /// All errors in the rules; the old rules stay in force.
    pub async fn update_routing_rules(&self, rules: Vec<RoutingRule>) -> Result<(), RulesError> {
        self.router.update_routing_rules(rules).await
    }
}
