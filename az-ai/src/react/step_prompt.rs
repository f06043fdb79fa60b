//! Builds the prompts of a step for each candidate.

use std::sync::Arc;

use az_core::call::Restart;
use az_core::engine::{Emitter, RunEventKind};
use az_core::journal::{ModelReply, Purpose};
use az_core::{ErrorKind, Run};

use super::compaction::{Fit, Fitted, Limits, fit, summary_request};
use super::cut;
use super::decide::turns_to_summarise;
use super::full_context::full_context;
use super::prompt::Protocol;
use super::prompt_context::{PromptContext, view};
use super::prompt_record::with_announced_names;
use super::text_protocol::{self, OBSERVATION};
use super::transcript::{View, build};
use super::written_calls;
use crate::chat::{ChatEvent, ChatReply, ChatRequest};
use crate::client::Capabilities;
use crate::dispatch::{Delivery, Prompt, Rejection};
use crate::resolver::Candidate;

/// The prompt of a step, or of a summary of earlier steps.
#[derive(Debug)]
pub(super) struct StepPrompt<'a> {
    pub(super) context: &'a PromptContext<'a>,
    /// The candidates for the step.
    pub(super) candidates: &'a [Candidate],
    pub(super) purpose: Purpose,
    pub(super) emitter: Emitter,
}

impl StepPrompt<'_> {
    /// Returns the transcript for a candidate, shortened if necessary.
    pub(super) fn fitted(&self, run: &Run, candidate: &Candidate) -> Fitted {
        let options = self.context.options;
        let view =
            View { omissions: self.context.omissions(), ..view(capabilities(candidate), options) };
        let system = self.context.system(run, view.protocol);
        let Capabilities { max_output: most, context_window, .. } = capabilities(candidate);
        let compact_at = self.window(candidate);
        let limits = Limits {
            is_largest: self.candidates.iter().all(|other| self.window(other) <= compact_at),
            compact_at,
            window: context_window.unwrap_or(options.context_window),
            can_summarise: turns_to_summarise(run.history(), options.keep_turns).is_some(),
        };
        fit(limits, options, view, |view| {
            let messages = build(system.clone(), run.task(), run.history(), view);
            let request = ChatRequest::new(&*candidate.model.model, messages)
                .with_temperature(options.temperature)
                .with_max_tokens(cut::raised(self.max_tokens(candidate), most, run.history()));
            match view.protocol {
                Protocol::Native => request.with_tools(Arc::clone(&self.context.tools)),
                Protocol::Text => request.with_stop(vec![format!("\n{OBSERVATION}")]),
            }
        })
    }

    /// Reads calls that the model wrote as text.
    fn read_calls(&self, reply: ModelReply, request: &ChatRequest) -> ModelReply {
        let tools = self.context.callable();
        with_announced_names(written_calls::read(reply, request, &tools), &tools)
    }

    /// Returns the maximum of output tokens: that of the options or of the model, whichever is
    /// less.
    fn max_tokens(&self, candidate: &Candidate) -> u32 {
        let most = capabilities(candidate).max_output.and_then(|most| u32::try_from(most).ok());
        self.context.options.max_tokens.min(most.unwrap_or(u32::MAX))
    }
}

impl Prompt<Run> for StepPrompt<'_> {
    fn purpose(&self) -> Purpose {
        self.purpose.clone()
    }

    fn window(&self, candidate: &Candidate) -> u64 {
        self.context.options.limit(capabilities(candidate).context_window)
    }

    fn request(&self, run: &Run, candidate: &Candidate) -> Option<ChatRequest> {
        match &self.purpose {
            Purpose::Step => {
                let Fitted { request, fit } = self.fitted(run, candidate);
                (fit == Fit::Fits).then_some(request)
            }
            Purpose::Summary { turns } => {
                let limits = (self.window(candidate), self.context.options);
                let (model, command) = (&candidate.model.model, &run.task().command);
                let request = summary_request(model, command, run.history(), *turns, limits);
                let max_tokens = request.max_tokens.min(self.max_tokens(candidate));
                Some(request.with_max_tokens(max_tokens))
            }
        }
    }

    fn delivery(&self) -> Delivery {
        Delivery::Streamed
    }

    /// Emits the deltas of steps, but not those of summaries.
    fn on_event(&self, event: &ChatEvent) {
        if self.purpose != Purpose::Step {
            return;
        }
        let kind = match event {
            ChatEvent::TextDelta { text } => RunEventKind::TextDelta { text: text.clone() },
            ChatEvent::ReasoningDelta { text } => {
                RunEventKind::ReasoningDelta { text: text.clone() }
            }
            ChatEvent::CallStarted { .. }
            | ChatEvent::CallDelta { .. }
            | ChatEvent::UsageReported { .. }
            | ChatEvent::Finished(_) => return,
        };
        self.emitter.emit(kind);
    }

    fn restart(&self) -> Restart {
        Restart::Allowed
    }

    fn accept(
        &self,
        candidate: &Candidate,
        request: &ChatRequest,
        chat: &ChatReply,
    ) -> Result<ModelReply, Rejection> {
        if let Some(rejection) = full_context(&*candidate.model.client, request, chat) {
            return Err(rejection);
        }
        let (reply, max_tokens) = (chat.reply.clone(), request.max_tokens);
        let protocol = view(capabilities(candidate), self.context.options).protocol;
        match (&self.purpose, protocol) {
            (Purpose::Step, Protocol::Text) => {
                let read = text_protocol::read(reply.clone());
                let is_plain = read.calls.is_empty() && read.text == reply.text.trim();
                let read = if is_plain { self.read_calls(read, request) } else { read };
                Ok(cut::noted(read, max_tokens))
            }
            (Purpose::Step, Protocol::Native) => {
                Ok(cut::noted(self.read_calls(reply, request), max_tokens))
            }
            (Purpose::Summary { .. }, _) if reply.text.trim().is_empty() => {
                let message = "the model was asked for a summary and returned no text";
                Err(Rejection::new(ErrorKind::Protocol, message))
            }
            // The calls of a summary are ignored, even if the model makes some.
            (Purpose::Summary { .. }, _) => Ok(ModelReply { calls: Vec::new(), ..reply }),
        }
    }
}

fn capabilities(candidate: &Candidate) -> Capabilities {
    candidate.model.client.capabilities(&candidate.model.model)
}
