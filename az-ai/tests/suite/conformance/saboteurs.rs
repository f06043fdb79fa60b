//! Clients that each break one clause, to check that the kit notices.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use az_ai::chat::{ChatEvent, ChatReply, ChatRequest, ChatStream};
use az_ai::client::{Capabilities, CostEstimate, Fact, LlmClient};
use az_ai::error::{Error, Result};
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientCase, ClientFixture, ProviderBehaviour};
use az_core::Usd;
use az_core::cost::Usage;
use az_core::journal::FinishReason;
use futures_util::{StreamExt, future, stream};
use tokio::sync::mpsc;

use super::KEY;
use super::openai::ChatCompletions;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sabotage {
    /// Breaks `LlmClient` 2.
    ForgetsWords,
    /// Breaks `LlmClient` 2.
    LosesDeltas,
    /// Breaks `LlmClient` 2.
    GoesOnAfterTheEnd,
    /// Breaks `LlmClient` 2.
    EndsWithoutItsEnd,
    /// Breaks `LlmClient` 4.
    InventsUsage,
    /// Breaks `LlmClient` 3.
    TakesHalfForWhole,
    /// Breaks `LlmClient` 2.
    GoesOnAfterErrors,
    /// Breaks `LlmClient` 6.
    ForgetsPatience,
    /// Breaks `LlmClient` 1.
    TriesAgain,
    /// Breaks `LlmClient` 5.
    DropsTools,
    /// Breaks `LlmClient` 8.
    ShowsTheKey,
    /// Breaks `LlmClient` 1.
    SendsAtOnce,
    /// Breaks `LlmClient` 7.
    KeepsGoing,
    /// Breaks `LlmClient` 9.
    ChangesItsMind,
    /// Breaks `LlmClient` 9.
    ChargesForBrevity,
    /// Breaks `LlmClient` 10.
    GuessesTheReason,
    /// Breaks `LlmClient` 10.
    DropsTheWord,
    /// Breaks `LlmClient` 11.
    LearnsForAll,
}

#[derive(Debug)]
struct Saboteur {
    inner: Arc<dyn LlmClient>,
    how: Sabotage,
    quotes: AtomicU64,
    /// Whether it was told that a model has no tools.
    no_tools: AtomicBool,
}

impl Saboteur {
    fn bend(&self, mut reply: ChatReply) -> ChatReply {
        match self.how {
            Sabotage::ForgetsWords => reply.reply.text.clear(),
            Sabotage::GuessesTheReason if reply.reply.finish == FinishReason::Other => {
                reply.reply.finish = FinishReason::Stop;
            }
            Sabotage::DropsTheWord => reply.reply.stop.clear(),
            Sabotage::InventsUsage => {
                reply.usage.get_or_insert(Usage::tokens(1, 1));
            }
            _ => {}
        }
        reply
    }

    fn bend_error(&self, error: Error) -> Error {
        match (self.how, error) {
            (Sabotage::ForgetsPatience, Error::Refused(mut refusal)) => {
                refusal.retry_after = None;
                Error::Refused(refusal)
            }
            (Sabotage::ShowsTheKey, Error::Refused(mut refusal)) => {
                refusal.message.push_str(KEY);
                Error::Refused(refusal)
            }
            (_, error) => error,
        }
    }

    fn request(&self, request: &ChatRequest) -> ChatRequest {
        let mut request = request.clone();
        if self.how == Sabotage::DropsTools {
            request.tools = Arc::default();
        }
        request
    }
}

#[async_trait]
impl LlmClient for Saboteur {
    fn provider(&self) -> &str {
        self.inner.provider()
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        let capabilities = self.inner.capabilities(model);
        match self.no_tools.load(Ordering::SeqCst) {
            true => capabilities.without_tools(),
            false => capabilities,
        }
    }

    fn learn(&self, model: &str, fact: Fact) {
        self.inner.learn(model, fact);
        let learns_for_all = self.how == Sabotage::LearnsForAll && fact == Fact::NoTools;
        self.no_tools.fetch_or(learns_for_all, Ordering::SeqCst);
    }

    fn estimate_cost(&self, request: &ChatRequest) -> CostEstimate {
        let mut quote = self.inner.estimate_cost(request);
        if self.how == Sabotage::ChangesItsMind {
            quote.input_tokens += self.quotes.fetch_add(1, Ordering::SeqCst);
        }
        if self.how == Sabotage::ChargesForBrevity {
            let saved = u32::MAX - request.max_tokens;
            quote.max_cost = Some(Usd::from_nanos(saved.into()));
        }
        quote
    }

    async fn complete(&self, request: &ChatRequest) -> Result<ChatReply> {
        let request = self.request(request);
        if self.how == Sabotage::KeepsGoing {
            let inner = Arc::clone(&self.inner);
            return tokio::spawn(async move { inner.complete(&request).await }).await.unwrap();
        }
        match self.inner.complete(&request).await {
            Ok(reply) => Ok(self.bend(reply)),
            Err(_) if self.how == Sabotage::TriesAgain => self.inner.complete(&request).await,
            Err(Error::Broken { .. }) if self.how == Sabotage::TakesHalfForWhole => {
                Ok(ChatReply::default())
            }
            Err(error) => Err(self.bend_error(error)),
        }
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let how = self.how;
        if how == Sabotage::SendsAtOnce {
            // Sends the request before the stream is polled.
            let (inner, request) = (Arc::clone(&self.inner), request.clone());
            tokio::spawn(async move { inner.complete(&request).await });
        }
        let this =
            Self { inner: Arc::clone(&self.inner), how, quotes: 0.into(), no_tools: false.into() };
        let events = self.inner.stream(&self.request(request)).map(move |event| match event {
            Ok(ChatEvent::Finished(reply)) => Ok(ChatEvent::Finished(Box::new(this.bend(*reply)))),
            Ok(event) => Ok(event),
            Err(error) => Err(this.bend_error(error)),
        });
        let late = || stream::iter([Ok(ChatEvent::TextDelta { text: String::new() })]);
        match how {
            Sabotage::LosesDeltas => {
                let is_text =
                    |event: &Result<ChatEvent>| matches!(event, Ok(ChatEvent::TextDelta { .. }));
                events.filter(move |event| future::ready(!is_text(event))).boxed()
            }
            Sabotage::GoesOnAfterTheEnd | Sabotage::GoesOnAfterErrors => {
                let errors_only = how == Sabotage::GoesOnAfterErrors;
                let more = events.flat_map(move |event| {
                    let end = match &event {
                        Ok(ChatEvent::Finished(_)) => !errors_only,
                        Ok(_) => false,
                        Err(_) => errors_only,
                    };
                    let after =
                        if end { late().left_stream() } else { stream::empty().right_stream() };
                    stream::iter([event]).chain(after)
                });
                more.boxed()
            }
            Sabotage::EndsWithoutItsEnd => {
                let is_end =
                    |event: &Result<ChatEvent>| matches!(event, Ok(ChatEvent::Finished(_)));
                events.filter(move |event| future::ready(!is_end(event))).boxed()
            }
            Sabotage::KeepsGoing => {
                let reading = future::lazy(|_| {
                    let (sender, receiver) = mpsc::unbounded_channel();
                    tokio::spawn(events.for_each(move |event| {
                        sender.send(event).ok();
                        future::ready(())
                    }));
                    receiver
                });
                let next = async |mut receiver: mpsc::UnboundedReceiver<_>| {
                    let event = receiver.recv().await?;
                    Some((event, receiver))
                };
                stream::once(reading)
                    .flat_map(move |receiver| stream::unfold(receiver, next))
                    .boxed()
            }
            _ => events.boxed(),
        }
    }
}

#[derive(Debug)]
struct Sabotaged(ChatCompletions, Sabotage);

#[async_trait]
impl ClientFixture for Sabotaged {
    async fn client(&self, behaviour: ProviderBehaviour) -> Option<ClientCase> {
        let mut staged = self.0.client(behaviour).await?;
        let inner = staged.client;
        staged.client =
            Arc::new(Saboteur { inner, how: self.1, quotes: 0.into(), no_tools: false.into() });
        Some(staged)
    }

    fn finish_words(&self) -> &'static [(&'static str, FinishReason)] {
        self.0.finish_words()
    }

    async fn requests(&self) -> Option<usize> {
        // Waits until a request that was sent at once has arrived.
        for _ in 0..200 {
            tokio::task::yield_now().await;
        }
        self.0.requests().await
    }

    async fn saw_disconnect(&self) -> Option<bool> {
        let saw_disconnect = self.0.saw_disconnect();
        Some(
            tokio::time::timeout(Duration::from_millis(200), saw_disconnect).await
                == Ok(Some(true)),
        )
    }
}

#[tokio::test]
async fn the_kit_notices_every_sabotage() {
    let check = async |how: Sabotage, expected: &[&str]| {
        let report = llm_client(|| Sabotaged(ChatCompletions::default(), how)).await;
        assert_eq!(report.failed(), expected, "{how:?}\n{report}");
    };
    let words = ["a_complete_reply_is_returned", "a_streams_deltas_add_up_to_the_reply"];
    let tools = ["a_complete_reply_contains_tool_calls", "a_stream_contains_tool_calls"];
    let usage = "unreported_usage_is_absent";
    let streams = [words[1], tools[1], usage];
    check(Sabotage::ForgetsWords, &[words[0], words[1], tools[0], tools[1], usage]).await;
    check(Sabotage::LosesDeltas, &streams).await;
    check(Sabotage::GoesOnAfterTheEnd, &streams).await;
    check(Sabotage::EndsWithoutItsEnd, &streams).await;
    check(Sabotage::InventsUsage, &[usage]).await;
    check(Sabotage::TakesHalfForWhole, &["a_broken_connection_is_an_error_and_not_a_reply"]).await;
    check(Sabotage::GoesOnAfterErrors, &["nothing_follows_an_error"]).await;
    check(Sabotage::ForgetsPatience, &["a_rate_limit_has_the_requested_wait"]).await;
    check(Sabotage::TriesAgain, &["a_failed_call_is_not_retried"]).await;
    check(Sabotage::ShowsTheKey, &["no_key_is_shown"]).await;
    let saw_disconnect =
        ["a_dropped_call_closes_its_connection", "a_dropped_stream_closes_its_connection"];
    check(Sabotage::KeepsGoing, &saw_disconnect).await;
    check(Sabotage::ChangesItsMind, &["estimates_and_capabilities_are_deterministic"]).await;
    check(Sabotage::ChargesForBrevity, &["estimates_and_capabilities_are_deterministic"]).await;
    check(Sabotage::LearnsForAll, &["a_learned_fact_holds_for_its_model_only"]).await;
    let ends = [
        "every_documented_term_has_its_finish_reason",
        "an_unknown_term_is_kept_with_finish_reason_other",
    ];
    check(Sabotage::GuessesTheReason, &ends[1..]).await;
    check(Sabotage::DropsTheWord, &ends).await;
}

#[tokio::test]
async fn the_kit_notices_requests_that_the_caller_does_not_see() {
    let fixture = |how| Sabotaged(ChatCompletions::default(), how);
    let report = llm_client(|| fixture(Sabotage::DropsTools)).await;
    assert!(
        report.failed().contains(&"an_unsupported_request_is_refused_before_it_is_sent"),
        "{report}"
    );
    let report = llm_client(|| fixture(Sabotage::SendsAtOnce)).await;
    assert!(report.failed().contains(&"nothing_is_sent_before_a_stream_is_polled"), "{report}");
}
