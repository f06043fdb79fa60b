//! One candidate for a call: how it is asked.

use std::sync::Arc;

use az_core::engine::{ModelRequest, RetryPolicy};
use az_core::journal::{ModelReply, Purpose};
use az_core::{Error, Result, Run};

use super::afford::affordable;
use super::ask::Ask;
use super::compaction::{Fit, Fitted, fit, summary_request};
use super::loop_guard::Repeats;
use super::options::ReActOptions;
use super::patience::Patience;
use super::prompt::{Protocol, system};
use super::text_protocol::OBSERVATION;
use super::transcript::{Detail, Images, View, build};
use crate::chat::{ChatRequest, ToolDefinition};
use crate::client::Capabilities;
use crate::estimate;
use crate::resolver::Candidate;

/// How often a reply is allowed fewer tokens before the refusal stands. Each refusal is by the
/// first budget that has too little, of which there may be several, and others draw on them
/// meanwhile.
const LOWERINGS: usize = 8;

/// What is the same whoever is asked.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub(super) initial_thought: &'a str,
    pub(super) tools: Arc<[ToolDefinition]>,
    pub(super) options: &'a ReActOptions,
}

impl<'a> Ground<'a> {
    pub(super) fn new(
        tools: Arc<[ToolDefinition]>,
        initial_thought: &'a str,
        options: &'a ReActOptions,
    ) -> Self {
        Self { initial_thought, tools, options }
    }

    /// Returns about how many tokens the conversation and the tools have, before it is known who
    /// is asked.
    pub(super) fn tokens(&self, run: &Run) -> u64 {
        let view = view(Capabilities::FULL, self.options);
        let system =
            system(run.task(), self.initial_thought, &self.tools, view.protocol, self.options);
        let messages = build(system, run.task(), run.history(), view);
        estimate::messages(&messages).saturating_add(estimate::tools(&self.tools))
    }
}

/// Who is asked, and in which way.
#[derive(Debug)]
pub(super) struct Scene<'a> {
    candidate: &'a Candidate,
    ground: &'a Ground<'a>,
    view: View,
    system: String,
    max_tokens: u32,
    /// How many tokens a request and its reply may have.
    pub(super) limit: u64,
}

impl<'a> Scene<'a> {
    pub(super) fn new(run: &Run, ground: &'a Ground<'a>, candidate: &'a Candidate) -> Self {
        let options = ground.options;
        let model = &candidate.model;
        let capabilities = model.client.capabilities(&model.model);
        let view = view(capabilities, options);
        let most = capabilities.max_output.and_then(|most| u32::try_from(most).ok());
        Self {
            candidate,
            view,
            system: system(
                run.task(),
                ground.initial_thought,
                &ground.tools,
                view.protocol,
                options,
            ),
            max_tokens: options.max_tokens.min(most.unwrap_or(u32::MAX)),
            limit: options.limit(capabilities.context_window),
            ground,
        }
    }

    /// Returns the conversation as it is shown to this model.
    pub(super) fn fitted(&self, run: &Run) -> Fitted {
        let options = self.ground.options;
        fit(self.limit, options, self.view, |view| {
            let system = self.system.clone();
            let messages = build(system, run.task(), run.history(), view);
            let request = ChatRequest::new(&*self.candidate.model.model, messages)
                .with_temperature(options.temperature)
                .with_max_tokens(self.max_tokens);
            match view.protocol {
                Protocol::Native => request.with_tools(Arc::clone(&self.ground.tools)),
                Protocol::Text => request.with_stop(vec![format!("\n{OBSERVATION}")]),
            }
        })
    }

    /// Returns the request for a purpose; `None` when it does not fit into the model's window.
    pub(super) fn request(&self, run: &Run, purpose: &Purpose) -> Option<ChatRequest> {
        match purpose {
            Purpose::Step => {
                let Fitted { request, fit } = self.fitted(run);
                (fit == Fit::Fits).then_some(request)
            }
            Purpose::Summary { turns } => {
                let limits = (self.limit, self.ground.options);
                let (model, command) = (&self.candidate.model.model, &run.task().command);
                let request = summary_request(model, command, run.history(), *turns, limits);
                Some(request.with_max_tokens(self.max_tokens))
            }
        }
    }

    /// Asks. When only what is held for other calls is in the way, they are waited for; a reply that
    /// the budget has too little left for is allowed fewer tokens then.
    pub(super) async fn ask(
        &self,
        run: &mut Run,
        request: ChatRequest,
        how: How,
    ) -> Result<ModelReply> {
        let How { purpose, reason, retry } = how;
        let model = &self.candidate.model;
        let mut ask = Ask {
            client: Arc::clone(&model.client),
            request,
            protocol: self.view.protocol,
            purpose,
            emitter: run.emitter(),
        };
        let mut lowerings = 0;
        let mut patience = Patience::new(self.ground.options.budget_patience);
        loop {
            let quote = ask.client.quote(&ask.request);
            let booked = ModelRequest {
                provider: ask.client.provider().to_owned(),
                model: model.model.clone(),
                purpose: ask.purpose.clone(),
                max_cost: quote.max_cost,
                estimated_tokens: quote.estimated_tokens,
                reason: reason.clone(),
                retry,
            };
            let (left, refusal) = match run.call_model(&booked, &ask).await {
                Err(refusal @ Error::BudgetExceeded { left, held, needed, .. }) => {
                    if needed <= left.plus(held) && patience.has_more() {
                        patience.wait(run, &refusal).await?;
                        continue;
                    }
                    (left, refusal)
                }
                ended => return ended,
            };
            let fewer = affordable(&*ask.client, &ask.request, left);
            let Some(fewer) = fewer.filter(|_| lowerings < LOWERINGS) else {
                return Err(refusal);
            };
            let asked = ask.request.max_tokens;
            run.note(format!("the reply may have {fewer} tokens, not {asked}: {refusal}")).await?;
            ask.request.max_tokens = fewer;
            lowerings += 1;
        }
    }

    /// Returns the names of who is asked, for people.
    pub(super) fn name(&self) -> String {
        let model = &self.candidate.model;
        format!("{} of {}", model.model, model.client.provider())
    }
}

/// In which way somebody is asked.
#[derive(Debug)]
pub(super) struct How {
    pub(super) purpose: Purpose,
    /// Why them.
    pub(super) reason: Option<String>,
    /// When to try again; the engine's own policy when absent.
    pub(super) retry: Option<RetryPolicy>,
}

/// Returns how a model with these capabilities is shown the record.
const fn view(capabilities: Capabilities, options: &ReActOptions) -> View {
    View {
        protocol: if capabilities.tools { Protocol::Native } else { Protocol::Text },
        detail: Detail { longest: longest(capabilities, options), shrunk: None },
        repeats: repeated(capabilities),
        images: match (capabilities.vision, capabilities.tools) {
            (true, true) => Images::Shown,
            // Results that are told in the user's words carry no images.
            (false, _) | (true, false) => Images::Named,
        },
    }
}

/// Returns the most that is shown of what a tool returned, in bytes.
pub(super) const fn longest(capabilities: Capabilities, options: &ReActOptions) -> usize {
    if capabilities.whole_results { usize::MAX } else { options.longest_result }
}

/// Says what repeated calls mean.
pub(super) const fn repeated(capabilities: Capabilities) -> Repeats {
    if capabilities.plans_ahead { Repeats::Meant } else { Repeats::Noted }
}
