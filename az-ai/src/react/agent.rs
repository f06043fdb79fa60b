//! The ReAct loop.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::journal::{CallRecord, ModelReply, Purpose};
use az_core::{Agent, Answer, Error, ErrorKind, Result, Run};
use serde_json::Value;

use super::compaction::size;
use super::decide::{Decision, decide, turns_to_summarise};
use super::engine::ReActEngine;
use super::options::ReActOptions;
use super::prompt_context::{PromptContext, longest, repeated};
use super::prompt_record;
use super::step_prompt::StepPrompt;
use super::tools::OfferedTools;
use super::transcript::observation;
use crate::client::Capabilities;
use crate::dispatch::{DispatchError, Dispatcher, Outcome, Prompt};
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
        let inputs = self.models.query_inputs(task.model.as_deref());
        let request_tokens = if inputs.request_tokens { context.tokens(run) } else { 0 };
        let budget_left = if inputs.budget_left { run.budget_left().await? } else { None };
        let tools = !context.tools.is_empty();
        let query = RoutingQuery::for_task(task)
            .with_request_tokens(request_tokens)
            .with_max_tokens(self.options.max_tokens)
            .with_requirements(Requirements { tools, ..Requirements::default() })
            .with_budget_left(budget_left);
        Ok(self.models.candidates(&query)?)
    }

    /// Returns the capabilities of the model that the task names; minimal ones when it names none.
    fn capabilities(&self, run: &Run) -> Capabilities {
        let model = self.models.resolve(run.task().model.as_deref());
        model.map(|model| model.client.capabilities(&model.model)).unwrap_or_default()
    }

    fn context<'a>(&'a self, run: &Run, initial_thought: &'a str) -> PromptContext<'a> {
        let available = self.tools.of(run.tools());
        PromptContext::new(run, available, initial_thought, &self.options)
    }

    /// Dispatches one request on the run.
    async fn dispatch(
        &self,
        run: &mut Run,
        (context, candidates): (&PromptContext<'_>, &[Candidate]),
        purpose: Purpose,
    ) -> Result<Outcome> {
        let prompt = StepPrompt { context, candidates, purpose, emitter: run.emitter() };
        let report = |model: &ResolvedModel, result: CallReport| self.models.report(model, result);
        let dispatcher = Dispatcher::new(candidates, &report, self.options.dispatch);
        Ok(dispatcher.dispatch(run, &prompt).await?)
    }

    /// Requests the next turn, or a summary if the transcript no longer fits any candidate's
    /// context window.
    async fn advance(&self, run: &mut Run, initial_thought: &str) -> Result<()> {
        run.take_hints().await?;
        let context = self.context(run, initial_thought);
        let candidates = self.candidates(run, &context).await?;
        prompt_record::record(run, &context, &candidates).await?;
        let asked = (&context, &*candidates);
        let Outcome::TooLong(failure) = self.dispatch(run, asked, Purpose::Step).await? else {
            return Ok(());
        };
        let Some(best) = candidates.first() else {
            return Err(or_overflow(failure, "there are no candidates"));
        };
        let (candidates, emitter) = (&*candidates, run.emitter());
        let step = StepPrompt { context: &context, candidates, purpose: Purpose::Step, emitter };
        let before = size(&step.fitted(run, best).request);
        let Some(turns) = turns_to_summarise(run.history(), self.options.keep_turns) else {
            let limit = step.window(best);
            return Err(or_overflow(failure, &format!("about {before} tokens of {limit}")));
        };
        let summary = self.dispatch(run, asked, Purpose::Summary { turns }).await?;
        if let Outcome::TooLong(failure) = summary {
            return Err(or_overflow(failure, "it is too long to be summarised"));
        }
        let after = size(&step.fitted(run, best).request);
        if after >= before {
            return Err(overflow(&format!("a summary left {after} tokens of {before}")));
        }
        Ok(())
    }
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
        let repeats = repeated(self.capabilities(run));
        loop {
            match decide(run.history(), repeats) {
                Decision::Finish(answer) => {
                    // A hint that came while the model wrote its answer gets another turn, if one is left.
                    let is_last = run.history().steps >= run.max_steps();
                    if is_last || run.take_hints().await? == 0 {
                        return Ok(Answer(answer));
                    }
                }
                Decision::GiveUp(reason) if chances == 0 => return Err(Error::Agent { reason }),
                Decision::RunTools => run.call_pending().await?,
                Decision::RefuseCalls(reason) => run.decline_pending(&reason).await?,
                Decision::GiveUp(_) if run.history().pending_calls().next().is_some() => {
                    run.call_pending().await?;
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
        run.take_hints().await?;
        let context = self.context(run, "");
        let candidates = self.candidates(run, &context).await?;
        prompt_record::record(run, &context, &candidates).await?;
        match self.dispatch(run, (&context, &candidates), Purpose::Step).await? {
            Outcome::Replied(dispatched) => Ok(dispatched.chat.reply),
            Outcome::TooLong(failure) => Err(or_overflow(failure, "it does not fit")),
        }
    }

    async fn act(&self, run: &mut Run, action: &str, arguments: Value) -> Result<CallRecord> {
        run.act(action, arguments).await
    }

    async fn act_pending(&self, run: &mut Run) -> Result<()> {
        run.call_pending().await
    }

    fn observe(&self, run: &Run, result: &CallRecord) -> Option<String> {
        observation(result, longest(self.capabilities(run), &self.options))
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
