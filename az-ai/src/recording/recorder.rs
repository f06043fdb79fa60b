//! Records one exchange while it is in progress.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::format::{Exchange, Outcome, Replied};
use super::log::Log;
use super::piece::{self, Piece};
use crate::chat::{ChatEvent, ChatReply, ChatStream};
use crate::error::{Error, Result};

/// An exchange in progress. If it is dropped before its end, it is recorded as dropped.
pub(super) struct ExchangeRecorder {
    log: Arc<Log>,
    started: Instant,
    exchange: Option<Exchange>,
}

impl ExchangeRecorder {
    /// Starts an exchange.
    pub(super) fn start(log: Arc<Log>, exchange: Exchange) -> Self {
        Self { log, started: Instant::now(), exchange: Some(exchange) }
    }

    /// Ends with a reply or an error, which is written when this returns.
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
            // The reply contains everything; a replay can split it again.
            exchange.pieces.clear();
        }
        // A write error is reported by the next call; this one has its reply.
        self.log.write_exchange(&exchange).await.ok();
    }

    /// Passes a stream through, and records its end.
    pub(super) fn through(self, provider: &str, events: ChatStream) -> ChatStream {
        let cut = Error::Truncated { provider: provider.to_owned() };
        let listening = (Some(self), events, cut);
        let passed = stream::unfold(listening, async |(recorder, mut events, cut)| {
            let event = events.next().await;
            let recorder = match (recorder, &event) {
                (Some(recorder), Some(Ok(ChatEvent::Finished(reply)))) => {
                    recorder.end(Ok(reply)).await;
                    None
                }
                (Some(recorder), Some(Err(error))) => {
                    recorder.end(Err(error)).await;
                    None
                }
                (Some(recorder), None) => {
                    recorder.end(Err(&cut)).await;
                    None
                }
                (Some(mut recorder), Some(Ok(event))) => {
                    recorder.record_event(event);
                    Some(recorder)
                }
                (None, _) => None,
            };
            Some((event?, (recorder, events, cut)))
        });
        passed.boxed()
    }

    fn record_event(&mut self, event: &ChatEvent) {
        let millis = self.millis();
        if let (Some(exchange), Some(piece)) = (&mut self.exchange, Piece::of(event)) {
            piece::add(&mut exchange.pieces, millis, piece);
        }
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for ExchangeRecorder {
    fn drop(&mut self) {
        let millis = self.millis();
        if let Some(mut exchange) = self.exchange.take() {
            exchange.millis = millis;
            // The caller is gone, so there is no wait for the write.
            drop(self.log.write_exchange(&exchange));
        }
    }
}
