//! The ReAct loop.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use az_core::journal::{CallRecord, ContextChange, ModelChoice, ModelReply, Purpose};
use az_core::{Agent, Answer, Error, ErrorKind, Result, Run};
use serde_json::Value;

use super::compaction::{Fit, Fitted};
use super::decide::{Decision, decide, turns_to_summarise};
use super::engine::ReActEngine;
use super::options::{ReActOptions, Sticky};
use super::prompt_context::{PromptContext, limits, repeated};
use super::prompt_record;
use super::step_prompt::StepPrompt;
use super::todo_list;
use super::tools::OfferedTools;
use super::transcript::observation;
use crate::cache::{LONG_PAUSE, cache_life};
use crate::client::{Capabilities, SHORTEST_REPLY};
use crate::dispatch::{DispatchError, Dispatcher, Outcome, Prompt as _};
use crate::resolver::{
    CallReport, Candidate, ModelResolver, Requirements, ResolvedModel, RoutingQuery,
};

/// An agent that runs the ReAct loop: it reasons with a model, acts with the run's tools and
/// observes, until it has an answer.
#[derive(Debug, Clone)]
pub struct ReActAgent {
    models: Arc<dyn ModelResolver>,
    options: ReActOptions,
    tools: OfferedTools,
}

impl ReActAgent {
    /// Creates an agent that calls the models of a resolver.
    pub fn new(models: Arc<dyn ModelResolver>) -> Self {
        let options = ReActOptions::default();
        Self { models, options, tools: OfferedTools::default() }
    }

    /// Returns the agent with options.
    #[must_use]
    pub fn with_options(mut self, options: ReActOptions) -> Self {
        self.options = options;
        self
    }

    /// Returns the candidates for the next step.
    async fn candidates(&self, run: &Run, context: &PromptContext<'_>) -> Result<Vec<Candidate>> {
        let task = run.task();
        let kept = self.kept(run);
        let inputs = self.models.query_inputs(task.model.as_deref());
        let request_tokens = match inputs.request_tokens {
            true => self.request_tokens(run, context, task.model.as_deref().or(kept)),
            false => 0,
        };
        let budget_left = if inputs.budget_left { run.budget_left().await? } else { None };
        let tools = !context.tools.is_empty();
        let images = task.options.all_images().next().is_some();
        let query = RoutingQuery::for_task(task)
            .with_kept(kept)
            .with_request_tokens(request_tokens)
            .with_max_tokens(self.options.max_tokens)
            .with_requirements(Requirements { tools, images, ..Requirements::default() })
            .with_budget_left(budget_left);
        Ok(self.models.candidates(&query)?)
    }

    /// Returns the name of the model that the task keeps, if it was chosen.
    fn kept<'r>(&self, run: &'r Run) -> Option<&'r str> {
        let chosen = run.history().context.model.as_ref();
        chosen.filter(|_| self.options.sticky == Sticky::Task).map(|choice| &*choice.name)
    }

    /// Returns the estimated tokens of the request of the next step: after a cut, if the model that is
    /// preferred needs one.
    fn request_tokens(
        &self,
        run: &Run,
        context: &PromptContext<'_>,
        preferred: Option<&str>,
    ) -> u64 {
        let model = preferred.and_then(|name| self.models.resolve(Some(name)).ok());
        let Some(model) = model else { return context.tokens(run) };
        let candidates = [Candidate::new(model)];
        let step = StepPrompt::new(context, &candidates, run.emitter());
        let [candidate] = &candidates;
        step.measure(run, candidate).tokens(&step.fitted(run, candidate).request)
    }

    /// Records the choice of the model that the task keeps: the first candidate of its first step, and a
    /// later one only if the model before cannot take the request or is no longer configured. A model
    /// that failed is returned to.
    async fn record_choice(
        &self,
        run: &mut Run,
        context: &PromptContext<'_>,
        candidates: &[Candidate],
    ) -> Result<()> {
        let first = candidates.first().and_then(|first| Some((first.name.as_deref()?, first)));
        let Some((name, first)) = first else { return Ok(()) };
        let kept = self.kept(run);
        if run.task().model.is_some() || self.options.sticky == Sticky::Step || kept == Some(name) {
            return Ok(());
        }
        let reason = match kept.map(|kept| self.models.resolve(Some(kept))) {
            None => first.reason.clone(),
            Some(Err(error)) => Some(error.to_string()),
            Some(Ok(model)) => {
                let tokens = self.request_tokens(run, context, kept);
                let needed = tokens.saturating_add(SHORTEST_REPLY.into());
                let window = model.client.capabilities(&model.model).context_window;
                if window.is_none_or(|window| window >= needed) {
                    return Ok(());
                }
                Some(format!("the request needs a context window of {needed} tokens"))
            }
        };
        let choice = ModelChoice::new(name, reason);
        run.decide_context(ContextChange::Model(choice)).await
    }

    /// Returns the model that the task names, or keeps; otherwise the one that would be chosen.
    fn model(&self, run: &Run) -> Option<ResolvedModel> {
        let name = run.task().model.as_deref().or_else(|| self.kept(run));
        self.models.resolve(name).ok()
    }

    /// Returns the capabilities of the task's model; minimal ones if there is none.
    fn capabilities(&self, run: &Run) -> Capabilities {
        let model = self.model(run);
        model.map(|model| model.client.capabilities(&model.model)).unwrap_or_default()
    }

    /// Returns whether the last turn is the plan of a program, and not of a model that was chosen instead.
    fn is_planned(&self, run: &Run) -> bool {
        let Some(model) = self.model(run) else { return false };
        let turn = run.history().turns.last();
        let is_its_own = turn.is_none_or(|turn| {
            turn.provider.is_empty() || turn.provider == model.client.provider()
        });
        // The command of a child task is from a model.
        let is_of_model = run.task().options.spawned.is_some();
        let has_planned_steps = model.client.capabilities(&model.model).has_planned_steps;
        has_planned_steps && is_its_own && !is_of_model
    }

    /// Makes the calls of the last turn.
    async fn call_pending(&self, run: &mut Run) -> Result<()> {
        run.set_planned_calls(self.is_planned(run));
        run.call_pending().await
    }

    fn context<'a>(&'a self, run: &Run, initial_thought: &'a str) -> PromptContext<'a> {
        let available = self.tools.of(run.tools());
        let mut context = PromptContext::new(run, available, initial_thought, &self.options);
        // As long as the last pause was.
        context.expects_pause = gap(run) > LONG_PAUSE;
        context
    }

    /// Prepares the next request: takes in hints, chooses the candidates, and records what the
    /// requests begin with.
    async fn prepare<'a>(
        &'a self,
        run: &mut Run,
        initial_thought: &'a str,
    ) -> Result<(PromptContext<'a>, Vec<Candidate>)> {
        run.take_hints().await?;
        let context = self.context(run, initial_thought);
        let candidates = self.candidates(run, &context).await?;
        // Any of them may be the one that is shown what it reads.
        let shown = candidates.iter().map(|candidate| {
            let ResolvedModel { client, model, .. } = &candidate.model;
            limits(client.capabilities(model), &self.options).reads
        });
        run.set_shown_bytes(shown.min());
        self.record_choice(run, &context, &candidates).await?;
        prompt_record::record(run, &context, &candidates).await?;
        if let Some(first) = candidates.first() {
            let mut step = StepPrompt::new(&context, &candidates, run.emitter());
            // A cut costs nothing if the provider has probably dropped the conversation from its cache.
            step.is_cold = gap(run) > cache_life(first.model.client.provider());
            let Fitted { fit, cut, .. } = step.fitted(run, first);
            if let Some(cut) = cut.filter(|_| fit == Fit::Fits) {
                run.decide_context(ContextChange::Cut(cut)).await?;
            }
        }
        todo_list::repeat_if_lost(run).await?;
        Ok((context, candidates))
    }

    /// Dispatches one request on the run.
    async fn dispatch(&self, run: &mut Run, prompt: &StepPrompt<'_>) -> Result<Outcome> {
        let report = |model: &ResolvedModel, result: CallReport| self.models.report(model, result);
        let dispatcher = Dispatcher::new(prompt.candidates, &report, self.options.dispatch);
        let outcome = dispatcher.dispatch(run, prompt).await?;
        // A fallback's request may have been cut as well.
        if let (Outcome::Replied(_), Some(cut)) = (&outcome, prompt.take_cut()) {
            run.decide_context(ContextChange::Cut(cut)).await?;
        }
        Ok(outcome)
    }

    /// Requests the next turn, or a summary if the transcript no longer fits any candidate's
    /// context window.
    async fn advance(&self, run: &mut Run, initial_thought: &str) -> Result<()> {
        let (context, candidates) = self.prepare(run, initial_thought).await?;
        let step = StepPrompt::new(&context, &candidates, run.emitter());
        let Outcome::TooLong(failure) = self.dispatch(run, &step).await? else {
            return Ok(());
        };
        let Some(best) = candidates.first() else {
            return Err(or_overflow(failure, "there are no candidates"));
        };
        let size = |run: &Run| step.measure(run, best).size(&step.fitted(run, best).request);
        let before = size(run);
        let Some(turns) = turns_to_summarise(run.history(), self.options.keep_turns) else {
            let limit = step.window(best);
            return Err(or_overflow(failure, &format!("about {before} tokens of {limit}")));
        };
        self.summarise(run, (&context, &candidates), turns).await?;
        let after = size(run);
        if after >= before {
            return Err(overflow(&format!("a summary left {after} tokens of {before}")));
        }
        Ok(())
    }

    /// Requests a summary of the first turns: after the conversation, which the provider has in its
    /// cache, or with a description of it if that fails.
    async fn summarise(
        &self,
        run: &mut Run,
        (context, candidates): (&PromptContext<'_>, &[Candidate]),
        turns: usize,
    ) -> Result<()> {
        let mut prompt = StepPrompt::new(context, candidates, run.emitter());
        prompt.purpose = Purpose::Summary { turns };
        let summary = match self.dispatch(run, &prompt).await {
            Ok(Outcome::TooLong(_)) => None,
            Err(error) if error.kind() == ErrorKind::Agent => None,
            summary => Some(summary?),
        };
        if summary.is_some() {
            return Ok(());
        }
        prompt.describes = true;
        match self.dispatch(run, &prompt).await? {
            Outcome::Replied(_) => Ok(()),
            Outcome::TooLong(failure) => {
                Err(or_overflow(failure, "it is too long to be summarised"))
            }
        }
    }
}

/// Returns the time since the last reply of a model; zero before the first.
fn gap(run: &Run) -> Duration {
    let replied_at = run.history().context.replied_at.unwrap_or_else(|| run.now());
    Duration::try_from(run.now().duration_since(replied_at)).unwrap_or_default()
}

/// Returns whether the command of a task follows a copied conversation, and the model has not replied to it.
fn is_command_last(run: &Run) -> bool {
    let (before, history) = (run.task().steps_before_command(), run.history());
    before > 0 && before == history.turns.len() && history.pending_calls().next().is_none()
}

#[async_trait]
impl Agent for ReActAgent {
    async fn work(&self, run: &mut Run) -> Result<Answer> {
        self.execute_react(run, "").await
    }
}

#[async_trait]
impl ReActEngine for ReActAgent {
    async fn execute_react(&self, run: &mut Run, initial_thought: &str) -> Result<Answer> {
        // A failed task that is resumed gets one more attempt.
        let mut chances = 1;
        let capabilities = self.capabilities(run);
        let repeats = repeated(capabilities);
        run.set_shown_bytes(Some(limits(capabilities, &self.options).reads));
        loop {
            let decision = match is_command_last(run) {
                true => Decision::CallModel,
                false => decide(run.history(), run.task().steps_before_command(), repeats),
            };
            match decision {
                Decision::Finish(answer) => {
                    // A hint that came while the model wrote its answer gets another turn, if one is left.
                    let is_last = run.history().own_steps() >= run.max_steps();
                    if is_last || run.take_hints().await? == 0 {
                        return Ok(Answer(answer));
                    }
                }
                Decision::GiveUp(reason) if chances == 0 => return Err(Error::Agent { reason }),
                Decision::RunTools => self.call_pending(run).await?,
                Decision::RefuseCalls(reason) => run.decline_pending(&reason).await?,
                Decision::GiveUp(_) if run.history().pending_calls().next().is_some() => {
                    self.call_pending(run).await?;
                }
                Decision::GiveUp(_) | Decision::CallModel => {
                    self.advance(run, initial_thought).await?;
                    chances = 0;
                }
            }
        }
    }

    async fn reason(&self, run: &mut Run, observation: &str) -> Result<ModelReply> {
        let pending = run.history().pending_calls().count();
        if pending > 0 {
            return Err(Error::invalid(
                "step",
                format!(
                    "{pending} tool calls of the last turn have no result; make or decline them \
                     first"
                ),
            ));
        }
        let turns = run.history().turns.len();
        // A step that failed before the model replied is repeated with the same observation.
        let known = run
            .history()
            .observations_after(turns)
            .any(|made| !made.is_hint && made.text == observation);
        if !observation.is_empty() && !known {
            run.observe(observation).await?;
        }
        let (context, candidates) = self.prepare(run, "").await?;
        let step = StepPrompt::new(&context, &candidates, run.emitter());
        match self.dispatch(run, &step).await? {
            Outcome::Replied(dispatched) => Ok(dispatched.chat.reply),
            Outcome::TooLong(failure) => Err(or_overflow(failure, "it does not fit")),
        }
    }

    async fn act(&self, run: &mut Run, action: &str, arguments: Value) -> Result<CallRecord> {
        run.set_planned_calls(self.is_planned(run));
        run.act(action, arguments).await
    }

    async fn act_pending(&self, run: &mut Run) -> Result<()> {
        self.call_pending(run).await
    }

    fn observe(&self, run: &Run, result: &CallRecord) -> Option<String> {
        let limits = limits(self.capabilities(run), &self.options);
        observation(result, limits.reads.max(limits.others))
    }
}

/// Returns the failure of a provider that rejected the transcript as too long, else our own.
fn or_overflow(failure: Option<Box<DispatchError>>, how: &str) -> Error {
    failure.map_or_else(|| overflow(how), |failed| *failed.error)
}

fn overflow(how: &str) -> Error {
    Error::Model {
        kind: ErrorKind::ContextWindow,
        message: format!("the task does not fit into the model's context window: {how}"),
        retry_after: None,
        called: None,
    }
}
