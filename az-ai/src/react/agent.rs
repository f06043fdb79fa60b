//! The loop.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::engine::ModelRequest;
use az_core::journal::{ModelReply, Purpose};
use az_core::{Agent, Answer, CallId, Error, ErrorKind, Result, Run};

use super::ask::Ask;
use super::compaction::{Fit, Fitted, fit, size, summary_request};
use super::decide::{Decision, decide, to_sum_up};
use super::engine::ReActEngine;
use super::loop_guard::Repeats;
use super::options::ReActOptions;
use super::prompt::{Protocol, system};
use super::text_protocol::OBSERVATION;
use super::transcript::{Detail, View, build, observation};
use crate::chat::{ChatRequest, ToolDefinition};
use crate::client::Capabilities;
use crate::resolver::{ModelResolver, ResolvedModel};

/// Reasons with a model, acts with the run's tools, observes, until it has an answer.
#[derive(Debug, Clone)]
pub struct ReActAgent {
    models: Arc<dyn ModelResolver>,
    options: ReActOptions,
}

impl ReActAgent {
    /// Returns an agent that asks these models.
    pub fn new(models: Arc<dyn ModelResolver>) -> Self {
        let options = ReActOptions::default();
        Self { models, options }
    }

    /// Returns the agent with options.
    #[must_use]
    pub fn with_options(mut self, options: ReActOptions) -> Self {
        self.options = options;
        self
    }

    /// Finds out who is asked and how, for the task as it is.
    fn scene(&self, run: &Run, initial_thought: &str) -> Result<Scene<'_>> {
        let model = self.models.resolve(run.task().model.as_deref())?;
        let capabilities = model.client.capabilities(&model.model);
        let protocol = if capabilities.tools { Protocol::Native } else { Protocol::Text };
        let tools: Vec<_> = run.tools().iter().map(ToolDefinition::from).collect();
        let most = capabilities.max_output.and_then(|most| u32::try_from(most).ok());
        Ok(Scene {
            system: system(run.task(), initial_thought, &tools, protocol, &self.options),
            tools,
            view: View {
                protocol,
                detail: Detail { longest: self.longest(capabilities), shrunk: None },
                repeats: repeats(capabilities),
            },
            limit: self.options.limit(capabilities.context_window),
            max_tokens: self.options.max_tokens.min(most.unwrap_or(u32::MAX)),
            model,
            options: &self.options,
        })
    }

    /// Returns what the model can do that the run asks; nothing special when it asks none.
    fn capabilities(&self, run: &Run) -> Capabilities {
        let model = self.models.resolve(run.task().model.as_deref());
        model.map(|model| model.client.capabilities(&model.model)).unwrap_or_default()
    }

    /// Returns the most that is shown of what a tool returned, in bytes.
    const fn longest(&self, capabilities: Capabilities) -> usize {
        if capabilities.whole_results { usize::MAX } else { self.options.longest_result }
    }

    /// Asks the model for its next turn, or makes room for that first.
    async fn advance(&self, run: &mut Run, initial_thought: &str, room: Room) -> Result<Room> {
        let scene = self.scene(run, initial_thought)?;
        let Fitted { request, fit } = scene.fitted(run);
        if room == Room::Believed && fit == Fit::Fits {
            return match scene.ask(run, request, Purpose::Step).await {
                Err(error) if error.kind() == ErrorKind::ContextWindow => Ok(Room::Refuted),
                asked => asked.map(|_reply| Room::Believed),
            };
        }
        let Some(turns) = to_sum_up(run.history(), self.options.keep_turns) else {
            let (size, limit) = (size(&request), scene.limit);
            return Err(overflow(&format!("about {size} tokens, room for {limit}")));
        };
        self.compact(run, &scene, turns).await?;
        Ok(Room::Believed)
    }

    /// Has the first turns summed up, and makes sure that this gained something.
    async fn compact(&self, run: &mut Run, scene: &Scene<'_>, turns: usize) -> Result<()> {
        let before = size(&scene.fitted(run).request);
        let limits = (scene.limit, scene.options);
        let command = &run.task().command;
        let model = &scene.model.model;
        let request = summary_request(model, command, run.history(), turns, limits)
            .with_max_tokens(scene.max_tokens);
        scene.ask(run, request, Purpose::Summary { turns }).await?;
        let after = size(&scene.fitted(run).request);
        if after >= before {
            return Err(overflow(&format!("a summary made it {after} tokens of {before}")));
        }
        Ok(())
    }
}

/// Whether our idea of what fits can be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Room {
    Believed,
    /// The provider says that the conversation is too long, and we thought otherwise.
    Refuted,
}

/// Who is asked, and in which way.
struct Scene<'a> {
    model: ResolvedModel,
    view: View,
    tools: Vec<ToolDefinition>,
    system: String,
    limit: u64,
    max_tokens: u32,
    options: &'a ReActOptions,
}

impl Scene<'_> {
    fn fitted(&self, run: &Run) -> Fitted {
        fit(self.limit, self.options, self.view, |view| {
            let system = self.system.clone();
            let messages = build(system, run.task(), run.history(), view);
            let request = ChatRequest::new(&*self.model.model, messages)
                .with_temperature(self.options.temperature)
                .with_max_tokens(self.max_tokens);
            match view.protocol {
                Protocol::Native => request.with_tools(self.tools.clone()),
                Protocol::Text => request.with_stop(vec![format!("\n{OBSERVATION}")]),
            }
        })
    }

    async fn ask(
        &self,
        run: &mut Run,
        request: ChatRequest,
        purpose: Purpose,
    ) -> Result<ModelReply> {
        let client = &self.model.client;
        let quote = client.quote(&request);
        let booked = ModelRequest {
            provider: client.provider().to_owned(),
            model: self.model.model.clone(),
            purpose: purpose.clone(),
            max_cost: quote.max_cost,
            estimated_tokens: quote.estimated_tokens,
            reason: None,
            retry: None,
        };
        let ask = Ask {
            model: self.model.clone(),
            request,
            protocol: self.view.protocol,
            purpose,
            emitter: run.emitter(),
        };
        run.call_model(&booked, &ask).await
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
        let mut room = Room::Believed;
        // A task that was given up and is taken up again gets one more chance.
        let mut chances = 1;
        let repeats = repeats(self.capabilities(run));
        loop {
            match decide(run.history(), repeats) {
                Decision::Finish(answer) => return Ok(Answer(answer)),
                Decision::GiveUp(reason) if chances == 0 => return Err(Error::Agent { reason }),
                Decision::RunTools => run.call_pending().await?,
                Decision::GiveUp(_) if run.history().pending_calls().next().is_some() => {
                    run.call_pending().await?;
                }
                Decision::GiveUp(_) | Decision::CallModel => {
                    room = self.advance(run, initial_thought, room).await?;
                    chances = 0;
                }
            }
        }
    }

    async fn reason(&self, run: &mut Run, initial_thought: &str) -> Result<ModelReply> {
        let scene = self.scene(run, initial_thought)?;
        let request = scene.fitted(run).request;
        scene.ask(run, request, Purpose::Step).await
    }

    async fn act(&self, run: &mut Run) -> Result<()> {
        run.call_pending().await
    }

    fn observe(&self, run: &Run, call: &CallId) -> Option<String> {
        let longest = self.longest(self.capabilities(run));
        observation(run.history(), call, longest).map(|text| text.render())
    }
}

/// Says what repeated calls mean.
const fn repeats(capabilities: Capabilities) -> Repeats {
    if capabilities.plans_ahead { Repeats::Meant } else { Repeats::Noted }
}

fn overflow(how: &str) -> Error {
    Error::Model {
        kind: ErrorKind::ContextWindow,
        message: format!("the task has outgrown the model's context window: {how}"),
        retry_after: None,
    }
}
