//! The kit of [`LlmClient`], played with every client here, and the kit's own test.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use az_ai::chat::{ChatRequest, Message, ToolDefinition};
use az_ai::client::{Capabilities, LlmClient};
use az_ai::key::ApiKey;
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_ai::provider::offline::OfflineClient;
use az_ai::provider::openai::{OpenAiClient, OpenAiConfig};
use az_ai::scripted::{Line, ScriptedClient};
use az_ai::testing::llm_client;
use az_ai::testing::llm_client::{ClientFixture, PATIENCE, Scene, Staged};
use az_core::cost::Usage;
use az_core::journal::ModelReply;
use az_core::{ErrorKind, Usd};
use serde_json::{Value, json};

use crate::support::server::{Answer, End, Server};

const KEY: &str = "sk-very-secret";

fn request() -> ChatRequest {
    ChatRequest::prompt("m", "go")
}

fn with_tool(request: ChatRequest, name: &str) -> ChatRequest {
    let schema = json!({"type": "object"});
    let tool = ToolDefinition { name: name.to_owned(), description: String::new(), schema };
    request.with_tools(vec![tool])
}

fn calling() -> ModelReply {
    ModelReply::text("I look.")
        .with_call("filesystem.read", json!({"path": "é"}))
        .with_call("filesystem.read", json!({}))
}

fn staged(client: impl LlmClient, reply: ModelReply, usage: Option<Usage>) -> Staged {
    let request = with_tool(request(), "filesystem.read");
    Staged { client: Arc::new(client), request, reply, usage, secret: None }
}

mod scripted {
    use super::*;

    #[derive(Debug, Default)]
    pub(super) struct Scripted(Mutex<Option<ScriptedClient>>);

    #[async_trait]
    impl ClientFixture for Scripted {
        async fn set(&self, scene: Scene) -> Option<Staged> {
            let usage = Some(Usage::tokens(3, 2));
            let paid = |line: Line| line.with_usage(Usage::tokens(3, 2), Usd::from_nanos(5));
            let words = ModelReply::text("two words");
            let mut line = paid(Line::text("two words"));
            let (reply, usage) = match scene {
                Scene::Says => (words, usage),
                Scene::SaysNoUsage => {
                    line = Line::text("two words");
                    (words, None)
                }
                Scene::Calls => {
                    line = paid(Line::text("I look."))
                        .with_call("filesystem.read", json!({"path": "é"}))
                        .with_call("filesystem.read", json!({}));
                    (calling(), usage)
                }
                Scene::Breaks => {
                    line.cut_after = Some(5);
                    (words, usage)
                }
                Scene::Busy => {
                    line = Line::error(ErrorKind::RateLimited, "slow down");
                    let millis = u64::try_from(PATIENCE.as_millis()).unwrap();
                    line.error.as_mut().unwrap().retry_after_millis = Some(millis);
                    (words, usage)
                }
                Scene::Silent => {
                    line.delay_millis = 3_600_000;
                    (words, usage)
                }
                Scene::NoTools => (words, usage),
                Scene::BadKey => return None,
            };
            let mut client = ScriptedClient::new([line]).recording();
            if scene == Scene::NoTools {
                client = client.with_capabilities(Capabilities::TEXT);
            }
            *self.0.lock().unwrap() = Some(client.clone());
            Some(staged(client, reply, usage))
        }

        async fn asked(&self) -> Option<usize> {
            self.0.lock().unwrap().as_ref().map(|client| client.requests().len())
        }

        async fn given_up(&self) -> Option<bool> {
            None
        }
    }

    #[tokio::test]
    async fn a_script_keeps_the_contract() {
        let report = llm_client(Scripted::default).await;
        report.assert_passed();
        assert_eq!(
            report.skipped(),
            ["no_key_is_shown", "a_dropped_call_is_given_up", "a_dropped_stream_is_given_up"]
        );
    }
}

mod offline {
    use super::*;

    #[derive(Debug)]
    struct Offline;

    #[async_trait]
    impl ClientFixture for Offline {
        async fn set(&self, scene: Scene) -> Option<Staged> {
            let read =
                || ModelReply::default().with_call("filesystem.read", json!({"path": "a b"}));
            let mut messages = vec![Message::user("read 'a b'")];
            let reply = match scene {
                Scene::Calls => read(),
                Scene::Says => {
                    messages.push(Message::assistant(read()));
                    messages.push(Message::tool("call_1", "filesystem.read", "A\nB"));
                    ModelReply::text("1. read a b: 2 lines\n\nA\nB")
                }
                _ => return None,
            };
            let mut staged = staged(OfflineClient::new(), reply, Some(Usage::default()));
            staged.request.messages = messages;
            Some(staged)
        }

        async fn asked(&self) -> Option<usize> {
            None
        }

        async fn given_up(&self) -> Option<bool> {
            None
        }
    }

    #[tokio::test]
    async fn the_offline_planner_keeps_the_contract() {
        let report = llm_client(|| Offline).await;
        report.assert_passed();
        assert_eq!(
            report.skipped(),
            [
                "usage_that_was_not_said_is_not_invented",
                "what_breaks_is_an_error_and_no_reply",
                "nothing_follows_an_error",
                "a_busy_provider_asks_for_patience",
                "a_failed_call_is_not_made_again",
                "what_a_model_cannot_do_is_refused",
                "no_key_is_shown",
                "nothing_is_sent_before_a_stream_is_read",
                "a_dropped_call_is_given_up",
                "a_dropped_stream_is_given_up",
            ]
        );
    }
}

mod openai {
    use super::*;

    /// A server that answers both kinds of request: whole first, or streamed first.
    #[derive(Debug, Default)]
    pub(super) struct OpenAi(Mutex<Option<Server>>);

    fn whole(message: &Value, usage: &Value) -> Value {
        let choice = json!({"index": 0, "message": message, "finish_reason": "stop"});
        json!({"model": "m", "choices": [choice], "usage": usage})
    }

    /// Turns a whole reply into a stream of small pieces.
    fn pieces(whole: &Value) -> String {
        let message = &whole["choices"][0]["message"];
        let mut deltas = Vec::new();
        for word in message["content"].as_str().unwrap_or_default().split_inclusive(' ') {
            deltas.push(json!({"content": word}));
        }
        for (index, call) in message["tool_calls"].as_array().into_iter().flatten().enumerate() {
            let mut call = call.clone();
            call["index"] = json!(index);
            let arguments = call["function"]["arguments"].take();
            deltas.push(json!({"tool_calls": [call]}));
            for piece in arguments.as_str().unwrap().chars() {
                let function = json!({"arguments": piece});
                deltas.push(json!({"tool_calls": [{"index": index, "function": function}]}));
            }
        }
        let chunk = |delta: &Value| json!({"choices": [{"index": 0, "delta": delta}]});
        let mut chunks: Vec<Value> = deltas.iter().map(chunk).collect();
        chunks.push(json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}));
        if !whole["usage"].is_null() {
            chunks.push(json!({"choices": [], "usage": whole["usage"]}));
        }
        let lines = chunks.iter().map(|chunk| format!("data: {chunk}\n\n"));
        lines.collect::<String>() + "data: [DONE]\n\n"
    }

    #[async_trait]
    impl ClientFixture for OpenAi {
        async fn set(&self, scene: Scene) -> Option<Staged> {
            let said = json!({"prompt_tokens": 3, "completion_tokens": 2});
            let words = json!({"content": "two words"});
            let call = |id: &str, arguments: &str| {
                let function = json!({"name": "filesystem_read", "arguments": arguments});
                json!({"id": id, "type": "function", "function": function})
            };
            let calls = json!([call("a", "{\"path\":\"é\"}"), call("b", "{}")]);
            let body = match scene {
                Scene::SaysNoUsage => whole(&words, &Value::Null),
                Scene::Calls => whole(&json!({"content": "I look.", "tool_calls": calls}), &said),
                _ => whole(&words, &said),
            };
            let busy = json!({"error": {"message": "slow down"}});
            let secret = json!({"error": {"message": format!("bad key: {KEY}"), "code": KEY}});
            let half = |text: &str| Answer::stream(&text[..text.len() / 2], End::Cut);
            let (whole, stream) = match scene {
                Scene::Silent => (Answer::Silence, Answer::Silence),
                Scene::Busy => {
                    let seconds = PATIENCE.as_secs().to_string();
                    let busy = Answer::json(429, &busy).with_header("retry-after", &seconds);
                    (busy.clone(), busy)
                }
                Scene::BadKey => (Answer::json(401, &secret), Answer::json(400, &secret)),
                Scene::Breaks => (half(&body.to_string()), half(&pieces(&body))),
                _ => (Answer::json(200, &body), Answer::stream(pieces(&body), End::Proper)),
            };
            let server = Server::start_either(whole, stream).await;
            let mut config = OpenAiConfig::compatible("test", &server.url);
            config.api_key = Some(ApiKey::new(KEY));
            if scene == Scene::NoTools {
                config.capabilities = Capabilities::FULL.without_tools();
            }
            *self.0.lock().unwrap() = Some(server);
            let http = HttpClient::new(&HttpOptions::default()).unwrap();
            let client = OpenAiClient::new(config, http).unwrap();
            let reply = match scene {
                Scene::Calls => calling(),
                _ => ModelReply::text("two words"),
            };
            let usage = (scene != Scene::SaysNoUsage).then(|| Usage::tokens(3, 2));
            let mut staged = staged(client, reply, usage);
            staged.secret = Some(KEY.to_owned());
            Some(staged)
        }

        async fn asked(&self) -> Option<usize> {
            self.0.lock().unwrap().as_ref().map(|server| server.asked().len())
        }

        async fn given_up(&self) -> Option<bool> {
            let server = self.0.lock().unwrap().clone()?;
            Some(server.given_up().await)
        }
    }

    #[tokio::test]
    async fn chat_completions_keep_the_contract() {
        let report = llm_client(OpenAi::default).await;
        report.assert_passed();
        assert_eq!(report.skipped(), Vec::<&str>::new());
    }
}

/// Clients that break the contract, each in one way, to see that the kit notices.
mod saboteurs {
    use std::time::Duration;

    use az_ai::chat::{ChatEvent, ChatReply, ChatStream};
    use az_ai::client::Quote;
    use az_ai::error::{Error, Result};
    use futures_util::{StreamExt, future, stream};

    use super::*;

    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Sabotage {
        ForgetsWords,
        LosesDeltas,
        GoesOnAfterTheEnd,
        EndsWithoutItsEnd,
        InventsUsage,
        TakesHalfForWhole,
        GoesOnAfterErrors,
        ForgetsPatience,
        TriesAgain,
        DropsTools,
        ShowsTheKey,
        SendsAtOnce,
        KeepsGoing,
        ChangesItsMind,
    }

    #[derive(Debug)]
    struct Saboteur {
        inner: Arc<dyn LlmClient>,
        how: Sabotage,
        quotes: std::sync::atomic::AtomicU64,
    }

    impl Saboteur {
        fn bend(&self, mut reply: ChatReply) -> ChatReply {
            match self.how {
                Sabotage::ForgetsWords => reply.reply.text.clear(),
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
                request.tools.clear();
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
            self.inner.capabilities(model)
        }

        fn quote(&self, request: &ChatRequest) -> Quote {
            let mut quote = self.inner.quote(request);
            if self.how == Sabotage::ChangesItsMind {
                let order = std::sync::atomic::Ordering::SeqCst;
                quote.estimated_tokens += self.quotes.fetch_add(1, order);
            }
            quote
        }

        async fn chat(&self, request: &ChatRequest) -> Result<ChatReply> {
            let request = self.request(request);
            if self.how == Sabotage::KeepsGoing {
                let inner = Arc::clone(&self.inner);
                return tokio::spawn(async move { inner.chat(&request).await }).await.unwrap();
            }
            match self.inner.chat(&request).await {
                Ok(reply) => Ok(self.bend(reply)),
                Err(_) if self.how == Sabotage::TriesAgain => self.inner.chat(&request).await,
                Err(Error::Broken { .. }) if self.how == Sabotage::TakesHalfForWhole => {
                    Ok(ChatReply::default())
                }
                Err(error) => Err(self.bend_error(error)),
            }
        }

        fn stream(&self, request: &ChatRequest) -> ChatStream {
            let how = self.how;
            if how == Sabotage::SendsAtOnce {
                // As a client would that opens its connection before anybody reads.
                let (inner, request) = (Arc::clone(&self.inner), request.clone());
                tokio::spawn(async move { inner.chat(&request).await });
                std::thread::sleep(Duration::from_millis(0));
            }
            let this = Self { inner: Arc::clone(&self.inner), how, quotes: 0.into() };
            let events = self.inner.stream(&self.request(request)).map(move |event| match event {
                Ok(ChatEvent::Finished(reply)) => {
                    Ok(ChatEvent::Finished(Box::new(this.bend(*reply))))
                }
                Ok(event) => Ok(event),
                Err(error) => Err(this.bend_error(error)),
            });
            let late = || stream::iter([Ok(ChatEvent::TextDelta { text: String::new() })]);
            match how {
                Sabotage::LosesDeltas => {
                    let is_text = |event: &Result<ChatEvent>| {
                        matches!(event, Ok(ChatEvent::TextDelta { .. }))
                    };
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
                    let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
                    tokio::spawn(events.for_each(move |event| {
                        sender.send(event).ok();
                        future::ready(())
                    }));
                    let next = async |mut receiver: tokio::sync::mpsc::UnboundedReceiver<_>| {
                        let event = receiver.recv().await?;
                        Some((event, receiver))
                    };
                    stream::once(future::ready(receiver))
                        .flat_map(move |receiver| stream::unfold(receiver, next))
                        .boxed()
                }
                _ => events.boxed(),
            }
        }
    }

    #[derive(Debug)]
    struct Sabotaged(openai::OpenAi, Sabotage);

    #[async_trait]
    impl ClientFixture for Sabotaged {
        async fn set(&self, scene: Scene) -> Option<Staged> {
            let mut staged = self.0.set(scene).await?;
            let inner = staged.client;
            staged.client = Arc::new(Saboteur { inner, how: self.1, quotes: 0.into() });
            Some(staged)
        }

        async fn asked(&self) -> Option<usize> {
            // What was sent at once has to have a chance to arrive.
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
            self.0.asked().await
        }

        async fn given_up(&self) -> Option<bool> {
            let given_up = self.0.given_up();
            Some(tokio::time::timeout(Duration::from_millis(200), given_up).await == Ok(Some(true)))
        }
    }

    #[tokio::test]
    async fn the_kit_notices_every_sabotage() {
        let check = async |how: Sabotage, expected: &[&str]| {
            let report = llm_client(|| Sabotaged(openai::OpenAi::default(), how)).await;
            assert_eq!(report.failed(), expected, "{how:?}\n{report}");
        };
        let words = ["words_come_whole", "words_come_one_by_one_and_add_up"];
        let tools = ["tools_are_asked_for_whole", "tools_are_asked_for_in_a_stream"];
        let usage = "usage_that_was_not_said_is_not_invented";
        let streams = [words[1], tools[1], usage];
        check(Sabotage::ForgetsWords, &[words[0], words[1], tools[0], tools[1], usage]).await;
        check(Sabotage::LosesDeltas, &streams).await;
        check(Sabotage::GoesOnAfterTheEnd, &streams).await;
        check(Sabotage::EndsWithoutItsEnd, &streams).await;
        check(Sabotage::InventsUsage, &[usage]).await;
        check(Sabotage::TakesHalfForWhole, &["what_breaks_is_an_error_and_no_reply"]).await;
        check(Sabotage::GoesOnAfterErrors, &["nothing_follows_an_error"]).await;
        check(Sabotage::ForgetsPatience, &["a_busy_provider_asks_for_patience"]).await;
        check(Sabotage::TriesAgain, &["a_failed_call_is_not_made_again"]).await;
        check(Sabotage::ShowsTheKey, &["no_key_is_shown"]).await;
        let given_up = ["a_dropped_call_is_given_up", "a_dropped_stream_is_given_up"];
        check(Sabotage::KeepsGoing, &given_up).await;
        check(Sabotage::ChangesItsMind, &["quotes_and_capabilities_stay_the_same"]).await;
    }

    #[tokio::test]
    async fn the_kit_notices_what_is_done_behind_the_callers_back() {
        let fixture = |how| Sabotaged(openai::OpenAi::default(), how);
        let report = llm_client(|| fixture(Sabotage::DropsTools)).await;
        assert!(report.failed().contains(&"what_a_model_cannot_do_is_refused"), "{report}");
        let report = llm_client(|| fixture(Sabotage::SendsAtOnce)).await;
        assert!(report.failed().contains(&"nothing_is_sent_before_a_stream_is_read"), "{report}");
    }
}
