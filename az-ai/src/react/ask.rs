//! The model call, as the run makes it.

use async_trait::async_trait;
use az_core::ErrorKind;
use az_core::cost::{Settlement, Usage};
use az_core::engine::{Emitter, Meter, ModelEffect, ModelFailure, Modelled, RunEventKind};
use az_core::journal::{ModelReply, Purpose};

use super::prompt::Protocol;
use super::text_protocol;
use crate::chat::{ChatEvent, ChatReply, ChatRequest, collect};
use crate::error::{Error, Sent};
use crate::estimate;
use crate::resolver::ResolvedModel;

/// One request to a model, to be made any number of times.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) model: ResolvedModel,
    pub(super) request: ChatRequest,
    pub(super) protocol: Protocol,
    pub(super) purpose: Purpose,
    pub(super) emitter: Emitter,
}

#[async_trait]
impl ModelEffect for Ask {
    async fn call(&self, meter: &Meter) -> Result<Modelled, ModelFailure> {
        let client = &self.model.client;
        let stream = client.stream(&self.request);
        let collected = collect(client.provider(), stream, |event| self.tell(event)).await;
        let ChatReply { reply, usage, cost, computed, .. } =
            collected.map_err(|error| failure(&error))?;
        let usage = usage.unwrap_or_else(|| self.estimated(&reply));
        meter.note(usage.clone(), cost);
        let reply = match (&self.purpose, self.protocol) {
            (Purpose::Step, Protocol::Text) => text_protocol::read(reply),
            (Purpose::Step, Protocol::Native) => reply,
            (Purpose::Summary { .. }, _) if reply.text.trim().is_empty() => {
                return Err(ModelFailure {
                    kind: ErrorKind::Protocol,
                    message: "the model was asked for a summary and said nothing".to_owned(),
                    retry_after: None,
                    settlement: Settlement::Paid { cost, computed, usage },
                });
            }
            // A summary asks for nothing, whatever the model thinks.
            (Purpose::Summary { .. }, _) => ModelReply { calls: Vec::new(), ..reply },
        };
        Ok(Modelled { reply, usage, cost, computed })
    }
}

impl Ask {
    /// Passes on what the model says as it says it; summaries are nobody's business.
    fn tell(&self, event: &ChatEvent) {
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
            | ChatEvent::Finished(_) => {
                return;
            }
        };
        self.emitter.emit(kind);
    }

    /// Guesses what a provider used that does not say, and says that it is a guess.
    fn estimated(&self, reply: &ModelReply) -> Usage {
        let calls = reply.calls.iter().map(|call| call.arguments.to_string());
        let output = calls.chain([reply.text.clone(), reply.reasoning.clone()]);
        Usage {
            estimated: true,
            ..Usage::tokens(
                estimate::tokens(&self.request),
                output.map(|text| estimate::text(&text)).sum(),
            )
        }
    }
}

fn failure(error: &Error) -> ModelFailure {
    ModelFailure {
        kind: error.kind(),
        message: error.chain(),
        retry_after: error.retry_after(),
        settlement: match error.sent() {
            Sent::No => Settlement::Nothing,
            Sent::Maybe => Settlement::Full,
        },
    }
}
