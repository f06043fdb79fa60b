//! The model call, as the run makes it.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::ErrorKind;
use az_core::cost::Settlement;
use az_core::engine::{Emitter, Meter, ModelCompletion, ModelEffect, ModelFailure, RunEventKind};
use az_core::journal::{ModelReply, Purpose};

use super::prompt::Protocol;
use super::text_protocol;
use crate::charge::{of_failure, of_reply};
use crate::chat::{ChatEvent, ChatRequest, collect};
use crate::client::LlmClient;
use crate::error::Error;

/// One request to a model, to be made any number of times.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) client: Arc<dyn LlmClient>,
    pub(super) request: ChatRequest,
    pub(super) protocol: Protocol,
    pub(super) purpose: Purpose,
    pub(super) emitter: Emitter,
}

#[async_trait]
impl ModelEffect for Ask {
    async fn call(&self, meter: &Meter) -> Result<ModelCompletion, ModelFailure> {
        let client = &*self.client;
        let stream = client.stream(&self.request);
        let collected = collect(client.provider(), stream, |event| self.tell(event)).await;
        let reply = collected.map_err(|error| failure(&error))?;
        let charge = of_reply(client, &self.request, &reply);
        meter.note(charge.clone());
        let reply = match (&self.purpose, self.protocol) {
            (Purpose::Step, Protocol::Text) => text_protocol::read(reply.reply),
            (Purpose::Step, Protocol::Native) => reply.reply,
            (Purpose::Summary { .. }, _) if reply.reply.text.trim().is_empty() => {
                return Err(ModelFailure {
                    kind: ErrorKind::Protocol,
                    message: "the model was asked for a summary and said nothing".to_owned(),
                    retry_after: None,
                    settlement: Settlement::Paid(charge),
                });
            }
            // A summary asks for nothing, whatever the model thinks.
            (Purpose::Summary { .. }, _) => ModelReply { calls: Vec::new(), ..reply.reply },
        };
        Ok(ModelCompletion { reply, charge })
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
}

fn failure(error: &Error) -> ModelFailure {
    ModelFailure {
        kind: error.kind(),
        message: error.chain(),
        retry_after: error.retry_after(),
        settlement: of_failure(error),
    }
}
