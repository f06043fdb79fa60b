//! The loop.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::journal::{ModelReply, Purpose};
use az_core::{Agent, Answer, CallId, Error, ErrorKind, Result, Run};

use super::compaction::size;
use super::decide::{Decision, decide, to_sum_up};
use super::engine::ReActEngine;
use super::options::ReActOptions;
use super::round::{Asked, Round};
use super::scene::{Ground, Scene, longest, repeated};
use super::tools::OfferedTools;
use super::transcript::observation;
use crate::client::Capabilities;
use crate::resolver::{Candidate, ModelResolver, Requirements, RoutingQuery};

/// Reasons with a model, acts with the run's tools, observes, until it has an answer.
#[derive(Debug, Clone)]
pub struct ReActAgent {
    models: Arc<dyn ModelResolver>,
    options: ReActOptions,
    tools: OfferedTools,
}

impl ReActAgent {
    /// Returns an agent that asks these models.
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

    /// Finds out who may be asked for the task as it is.
    async fn candidates(&self, run: &Run, ground: &Ground<'_>) -> Result<Vec<Candidate>> {
        let task = run.task();
        let inputs = self.models.query_inputs(task.model.as_deref());
        let request_tokens = if inputs.request_tokens { ground.tokens(run) } else { 0 };
        let budget_left = if inputs.budget_left { run.budget_left().await? } else { None };
        let tools = !ground.tools.is_empty();
        let query = RoutingQuery::for_task(task)
            .with_request_tokens(request_tokens)
            .with_max_tokens(self.options.max_tokens)
            .with_requirements(Requirements { tools, ..Requirements::default() })
            .with_budget_left(budget_left);
        Ok(self.models.candidates(&query)?)
    }

    /// Returns what the model can do that the task names; nothing special when it names none.
    fn capabilities(&self, run: &Run) -> Capabilities {
        let model = self.models.resolve(run.task().model.as_deref());
        model.map(|model| model.client.capabilities(&model.model)).unwrap_or_default()
    }

    /// Returns what is the same whichever model is asked.
    fn ground<'a>(&'a self, run: &Run, initial_thought: &'a str) -> Ground<'a> {
        Ground::new(self.tools.of(run.tools()), initial_thought, &self.options)
    }

    /// Returns what goes through the candidates for the next turn.
    fn round<'a>(&'a self, ground: &'a Ground<'a>, candidates: &'a [Candidate]) -> Round<'a> {
        Round { models: &*self.models, ground, candidates, purpose: Purpose::Step }
    }

    /// Asks for the next turn, or makes room for that.
    async fn advance(&self, run: &mut Run, initial_thought: &str) -> Result<()> {
        let ground = self.ground(run, initial_thought);
        let candidates = self.candidates(run, &ground).await?;
        let round = self.round(&ground, &candidates);
        let Asked::TooLong(failure) = round.ask(run).await? else {
            return Ok(());
        };
        let Some(best) = candidates.first() else {
            return Err(failure.unwrap_or_else(|| overflow("there is nobody to ask")));
        };
        let scene = Scene::new(run, &ground, best);
        let before = size(&scene.fitted(run).request);
        let Some(turns) = to_sum_up(run.history(), self.options.keep_turns) else {
            let limit = scene.limit;
            let full = || overflow(&format!("about {before} tokens, room for {limit}"));
            return Err(failure.unwrap_or_else(full));
        };
        let summary = Round { purpose: Purpose::Summary { turns }, ..round };
        if let Asked::TooLong(failure) = summary.ask(run).await? {
            let whole = || overflow("it is too long to be summed up");
            return Err(failure.unwrap_or_else(whole));
        }
        let after = size(&scene.fitted(run).request);
        if after >= before {
            return Err(overflow(&format!("a summary made it {after} tokens of {before}")));
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
        // A task that was given up and is taken up again gets one more chance.
        let mut chances = 1;
        let repeats = repeated(self.capabilities(run));
        loop {
            match decide(run.history(), repeats) {
                Decision::Finish(answer) => return Ok(Answer(answer)),
                Decision::GiveUp(reason) if chances == 0 => return Err(Error::Agent { reason }),
                Decision::RunTools => run.call_pending().await?,
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

    async fn reason(&self, run: &mut Run, initial_thought: &str) -> Result<ModelReply> {
        let ground = self.ground(run, initial_thought);
        let candidates = self.candidates(run, &ground).await?;
        let round = self.round(&ground, &candidates);
        match round.ask(run).await? {
            Asked::Replied(reply) => Ok(reply),
            Asked::TooLong(failure) => Err(failure.unwrap_or_else(|| overflow("it has no room"))),
        }
    }

    async fn act(&self, run: &mut Run) -> Result<()> {
        run.call_pending().await
    }

    fn observe(&self, run: &Run, call: &CallId) -> Option<String> {
        let longest = longest(self.capabilities(run), &self.options);
        observation(run.history(), call, longest).map(|text| text.render())
    }
}

fn overflow(how: &str) -> Error {
    Error::Model {
        kind: ErrorKind::ContextWindow,
        message: format!("the task has outgrown the model's context window: {how}"),
        retry_after: None,
    }
}
