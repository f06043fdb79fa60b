//! One exchange while it is going on.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::format::{Exchange, Outcome, Replied};
use super::log::Log;
use super::piece::{self, Piece};
use crate::chat::{ChatEvent, ChatReply, ChatRequest, ChatStream};
use crate::client::CostEstimate;
use crate::error::{Error, Result};

/// An exchange that is going on. When it is dropped before its end, that is what is kept of it.
pub(super) struct Tape {
    log: Arc<Log>,
    started: Instant,
    exchange: Option<Exchange>,
}

impl Tape {
    /// Begins.
    pub(super) fn start(log: Arc<Log>, request: &ChatRequest, quote: CostEstimate) -> Self {
        let exchange = Some(Exchange::of(request, quote));
        Self { log, started: Instant::now(), exchange }
    }

    /// Ends with a reply or an error, which is kept once this returns.
    pub(super) async fn end(mut self, result: Result<&ChatReply, &Error>) {
        let millis = self.millis();
        let Some(mut exchange) = self.exchange.take() else { return };
        exchange.millis = millis;
        exchange.outcome = match result {
            Ok(reply) => Outcome::Replied(Box::new(Replied::from(reply))),
            Err(error) => Outcome::Failed(error.into()),
        };
        if let Outcome::Replied(replied) = &exchange.outcome
            && !piece::add_up(&exchange.pieces, replied)
        {
            // The reply is what counts; it can be cut into pieces again.
            exchange.pieces.clear();
        }
        // What could not be written is said by the next call: this one has its answer.
        self.log.write(&exchange).await.ok();
    }

    /// Passes a stream through, and ends with it.
    pub(super) fn through(self, provider: &str, events: ChatStream) -> ChatStream {
        let cut = Error::Truncated { provider: provider.to_owned() };
        let listening = (Some(self), events, cut);
        let passed = stream::unfold(listening, async |(tape, mut events, cut)| {
            let event = events.next().await;
            let tape = match (tape, &event) {
                (Some(tape), Some(Ok(ChatEvent::Finished(reply)))) => {
                    tape.end(Ok(reply)).await;
                    None
                }
                (Some(tape), Some(Err(error))) => {
                    tape.end(Err(error)).await;
                    None
                }
                (Some(tape), None) => {
                    tape.end(Err(&cut)).await;
                    None
                }
                (Some(mut tape), Some(Ok(event))) => {
                    tape.hear(event);
                    Some(tape)
                }
                (None, _) => None,
            };
            Some((event?, (tape, events, cut)))
        });
        passed.boxed()
    }

    fn hear(&mut self, event: &ChatEvent) {
        let millis = self.millis();
        if let (Some(exchange), Some(piece)) = (&mut self.exchange, Piece::of(event)) {
            piece::add(&mut exchange.pieces, millis, piece);
        }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for Tape {
    fn drop(&mut self) {
        let millis = self.millis();
        if let Some(mut exchange) = self.exchange.take() {
            exchange.millis = millis;
            // Nobody is there to wait for it.
            drop(self.log.write(&exchange));
        }
    }
}
