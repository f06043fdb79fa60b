//! Builds the prompts of a step for each candidate.

use std::sync::Arc;

use az_core::call::Restart;
use az_core::engine::{Emitter, RunEventKind};
use az_core::journal::{ModelReply, Purpose};
use az_core::{ErrorKind, Run};

use super::compaction::{Fit, Fitted, fit, summary_request};
use super::cut;
use super::full_context::full_context;
use super::prompt::Protocol;
use super::prompt_context::{PromptContext, view};
use super::text_protocol::{self, OBSERVATION};
use super::transcript::{View, build};
use crate::chat::{ChatEvent, ChatReply, ChatRequest};
use crate::client::Capabilities;
use crate::dispatch::{Delivery, Prompt, Rejection};
use crate::resolver::Candidate;

/// The prompt of a step, or of a summary of earlier steps.
#[derive(Debug)]
pub(super) struct StepPrompt<'a> {
    pub(super) context: &'a PromptContext<'a>,
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
        let most = capabilities(candidate).max_output;
        fit(self.window(candidate), options, view, |view| {
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
                Some(request.with_max_tokens(self.max_tokens(candidate)))
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
                Ok(cut::noted(text_protocol::read(reply), max_tokens))
            }
            (Purpose::Step, Protocol::Native) => Ok(cut::noted(reply, max_tokens)),
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
