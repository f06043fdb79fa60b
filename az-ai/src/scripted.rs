//! A client with scripted replies, for tests, demonstrations and load.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use az_core::cost::Usage;
use az_core::journal::{FinishReason, ModelReply, ToolCall};
use az_core::{ErrorKind, Usd};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::chat::{ChatEvent, ChatReply, ChatRequest, ChatStream, replay};
use crate::client::{Capabilities, CostEstimate, Fact, LearnedFacts, LlmClient};
use crate::error::{Error, Refusal, Result};
use crate::{estimate, json_lines};

const NAME: &str = "scripted";

/// The address under which it keeps what it learns; it has no other.
const ADDRESS: &str = "";

/// A reply of a script.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScriptedReply {
    /// A text that the last user message must contain; the reply is then used whenever it does,
    /// instead of in turn.
    #[serde(rename = "match")]
    pub matching: Option<String>,
    /// The turn of the model, from 0, at which a reply with such a text is used; at every turn when absent.
    pub turn: Option<usize>,
    /// The text.
    pub text: String,
    /// The reasoning.
    pub reasoning: String,
    /// The tool calls.
    pub calls: Vec<ScriptedCall>,
    /// The finish reason.
    pub stop: Option<String>,
    /// The reported usage.
    pub usage: Option<Usage>,
    /// The cost, in nano-dollars.
    pub cost_nanos: Option<i64>,
    /// The estimated maximum cost, in nano-dollars; the cost when absent.
    pub price_nanos: Option<i64>,
    /// The duration.
    pub delay_millis: u64,
    /// The failure that takes the place of the reply.
    pub error: Option<ScriptedError>,
    /// The number of bytes of the text before the connection breaks.
    pub cut_after: Option<usize>,
}

/// A tool call of a scripted reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedCall {
    /// The name of the tool.
    pub name: String,
    /// The arguments.
    #[serde(default = "no_arguments")]
    pub arguments: Value,
}

/// A scripted failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScriptedError {
    /// The kind of failure.
    pub kind: ErrorKind,
    /// The provider's message.
    pub message: String,
    /// The HTTP status; the usual one for the kind when absent.
    #[serde(default)]
    pub status: Option<u16>,
    /// The wait that the provider asks for.
    #[serde(default)]
    pub retry_after_millis: Option<u64>,
    /// The number of requests that fail, of all that reach this reply, before it succeeds; all when
    /// absent.
    #[serde(default)]
    pub times: Option<u32>,
}

fn no_arguments() -> Value {
    Value::Object(serde_json::Map::new())
}

impl ScriptedReply {
    /// Creates a reply with text.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// Creates a reply with a tool call.
    pub fn call(name: impl Into<String>, arguments: Value) -> Self {
        Self::default().with_call(name, arguments)
    }

    /// Creates a reply that fails.
    pub fn error(kind: ErrorKind, message: impl Into<String>) -> Self {
        let error = ScriptedError {
            kind,
            message: message.into(),
            status: None,
            retry_after_millis: None,
            times: None,
        };
        Self { error: Some(error), ..Self::default() }
    }

    /// Returns the reply with one more tool call.
    #[must_use]
    pub fn with_call(mut self, name: impl Into<String>, arguments: Value) -> Self {
        let name = name.into();
        self.calls.push(ScriptedCall { name, arguments });
        self
    }

    /// Returns the reply with usage and cost.
    #[must_use]
    pub fn with_usage(mut self, usage: Usage, cost: Usd) -> Self {
        self.usage = Some(usage);
        self.cost_nanos = Some(cost.nanos());
        self
    }

    /// Returns the reply as the one for messages that contain a text.
    #[must_use]
    pub fn when(mut self, text: impl Into<String>) -> Self {
        self.matching = Some(text.into());
        self
    }

    fn reply(&self, request: &ChatRequest, turn: usize) -> ChatReply {
        let calls = self.calls.iter().enumerate().map(|(i, call)| ToolCall {
            id: format!("call_{turn}_{i}"),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
        });
        let usual = if self.calls.is_empty() { "stop" } else { "tool_calls" };
        let stop = self.stop.clone().unwrap_or_else(|| usual.to_owned());
        ChatReply {
            reply: ModelReply {
                text: self.text.clone(),
                reasoning: self.reasoning.clone(),
                calls: calls.collect(),
                finish: FinishReason::from_word(&stop),
                stop,
                cut: None,
                replay: None,
            },
            usage: self.usage.clone(),
            cost: self.cost_nanos.map(Usd::from_nanos),
            model: request.model.clone(),
            ..ChatReply::default()
        }
    }
}

impl From<&ScriptedError> for Error {
    fn from(error: &ScriptedError) -> Self {
        let usual = match error.kind {
            ErrorKind::RateLimited => Some(429),
            ErrorKind::Unauthorized => Some(401),
            ErrorKind::BadRequest | ErrorKind::ContextWindow | ErrorKind::ContentPolicy => {
                Some(400)
            }
            ErrorKind::Unavailable => Some(503),
            _ => None,
        };
        let refusal = Refusal {
            status: error.status.or(usual),
            retry_after: error.retry_after_millis.map(Duration::from_millis),
            ..Refusal::new(NAME, error.kind, error.message.clone())
        };
        refusal.into()
    }
}

/// A client with scripted replies.
///
/// The next reply is a function of the conversation: the number of model turns in it. So a script
/// continues after a crash, and any number of tasks can share one client. Requests after the end of
/// the script fail.
#[derive(Clone)]
pub struct ScriptedClient {
    lines: Arc<[Scripted]>,
    capabilities: Capabilities,
    max_cost: Option<Usd>,
    record: Option<Arc<Mutex<Vec<ChatRequest>>>>,
    learned: LearnedFacts,
}

struct Scripted {
    line: ScriptedReply,
    /// The number of requests that have failed at it.
    failed: AtomicU32,
}

impl fmt::Debug for ScriptedClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScriptedClient")
            .field("lines", &self.lines.len())
            .field("capabilities", &self.capabilities)
            .finish_non_exhaustive()
    }
}

impl ScriptedClient {
    /// Creates a client with these replies.
    pub fn new(lines: impl IntoIterator<Item = ScriptedReply>) -> Self {
        let lines = lines.into_iter().map(|line| Scripted { line, failed: AtomicU32::new(0) });
        Self {
            lines: lines.collect(),
            capabilities: Capabilities::FULL,
            max_cost: None,
            record: None,
            learned: LearnedFacts::default(),
        }
    }

    /// Parses a script: a [`ScriptedReply`] as a JSON object on each line; empty lines and those
    /// that begin with `#` are ignored.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`], which names the first invalid line.
    pub fn from_json_lines(script: &str) -> Result<Self> {
        let lines = json_lines::told(script).map(|(number, line)| {
            serde_json::from_str(line).map_err(|error| Error::Setup {
                provider: NAME.to_owned(),
                reason: format!("line {number} of the script: {error}"),
            })
        });
        Ok(Self::new(lines.collect::<Result<Vec<ScriptedReply>>>()?))
    }

    /// Returns the client with other capabilities.
    #[must_use]
    pub const fn with_capabilities(mut self, capabilities: Capabilities) -> Self {
        self.capabilities = capabilities;
        self
    }

    /// Returns the client with an estimated maximum cost for every request.
    #[must_use]
    pub const fn with_max_cost(mut self, max_cost: Usd) -> Self {
        self.max_cost = Some(max_cost);
        self
    }

    /// Returns the client, which keeps the requests from now on.
    #[must_use]
    pub fn recording(mut self) -> Self {
        self.record = Some(Arc::default());
        self
    }

    /// Returns the kept requests; `None` if they are not kept.
    pub fn requests(&self) -> Vec<ChatRequest> {
        let record = self.record.as_ref();
        record.map_or_else(Vec::new, |requests| {
            requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
        })
    }

    /// Finds the reply for a request, and its index among the model's turns.
    fn find(&self, request: &ChatRequest) -> (Option<&Scripted>, usize) {
        let (turn, said) = (request.turns(), request.last_user_message());
        let matching = self.lines.iter().find(|scripted| {
            let ScriptedReply { matching: wanted, turn: of_turn, .. } = &scripted.line;
            let is_due = of_turn.is_none_or(|of_turn| of_turn == turn);
            is_due
                && wanted
                    .as_ref()
                    .is_some_and(|wanted| said.is_some_and(|said| said.contains(wanted)))
        });
        let mut in_turn = self.lines.iter().filter(|s| s.line.matching.is_none());
        (matching.or_else(|| in_turn.nth(turn)), turn)
    }

    #[expect(clippy::disallowed_methods, reason = "a delay simulates a slow model")]
    async fn say(&self, request: &ChatRequest) -> Result<ReplyOutcome> {
        self.capabilities(&request.model).check(NAME, request)?;
        if let Some(requests) = &self.record {
            let mut requests = requests.lock().unwrap_or_else(PoisonError::into_inner);
            requests.push(self.learned.adapt(ADDRESS, request).into_owned());
        }
        let (scripted, turn) = self.find(request);
        let Some(Scripted { line, failed }) = scripted else {
            return Err(Error::Stopped {
                reason: format!("the script has no reply for turn {}", turn + 1),
            });
        };
        if line.delay_millis > 0 {
            tokio::time::sleep(Duration::from_millis(line.delay_millis)).await;
        }
        if let Some(error) = &line.error {
            let before = failed.fetch_add(1, Ordering::Relaxed);
            if error.times.is_none_or(|times| before < times) {
                return Err(error.into());
            }
        }
        Ok(ReplyOutcome { reply: line.reply(request, turn), cut_after: line.cut_after })
    }
}

/// The outcome of a scripted reply.
struct ReplyOutcome {
    reply: ChatReply,
    cut_after: Option<usize>,
}

#[async_trait]
impl LlmClient for ScriptedClient {
    fn provider(&self) -> &str {
        NAME
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        self.learned.limit(ADDRESS, model, self.capabilities)
    }

    fn learn(&self, model: &str, fact: Fact) {
        self.learned.learn(ADDRESS, model, fact);
    }

    fn estimate_cost(&self, request: &ChatRequest) -> CostEstimate {
        let line = self.find(request).0.map(|scripted| &scripted.line);
        let price = line.and_then(|line| line.price_nanos.or(line.cost_nanos));
        let max_cost = price.map(Usd::from_nanos).max(self.max_cost);
        CostEstimate::new(max_cost, estimate::tokens(request))
    }

    async fn complete(&self, request: &ChatRequest) -> Result<ChatReply> {
        let said = self.say(request).await?;
        match said.cut_after {
            Some(_) => Err(cut()),
            None => Ok(said.reply),
        }
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let (this, request) = (self.clone(), request.clone());
        let saying = async move {
            this.say(&request).await.map(|said| match said.cut_after {
                Some(bytes) => broken(&said.reply.reply.text, bytes),
                None => replay(said.reply),
            })
        };
        stream::once(saying).try_flatten().boxed()
    }
}

fn broken(text: &str, bytes: usize) -> ChatStream {
    let text = az_core::text::Excerpt::of(text, bytes).head;
    stream::iter([Ok(ChatEvent::TextDelta { text }), Err(cut())]).boxed()
}

fn cut() -> Error {
    Error::Truncated { provider: NAME.to_owned() }
}

#[cfg(test)]
mod tests {
    use az_core::journal::ModelReply;
    use az_core::{ErrorKind, Usd};
    use serde_json::json;

    use super::{LlmClient, ScriptedClient, ScriptedReply};
    use crate::chat::{ChatRequest, Message};

    const SCRIPT: &str = r##"
        # Reads a file, then answers.
        {"calls": [{"name": "filesystem.read", "arguments": {"path": "a"}}], "price_nanos": 9}

        {"text": "done", "usage": {"input": 3, "output": 1}, "cost_nanos": 5}
        {"match": "in short", "text": "a summary"}
    "##;

    fn after(turns: usize) -> ChatRequest {
        let mut messages = vec![Message::user("go")];
        messages.extend((0..turns).map(|_| Message::assistant(ModelReply::default())));
        ChatRequest::new("m", messages)
    }

    #[tokio::test]
    async fn the_reply_depends_on_the_turn_and_not_on_the_number_of_requests() {
        let client = ScriptedClient::from_json_lines(SCRIPT).unwrap();
        for _ in 0..2 {
            let first = client.complete(&after(0)).await.unwrap();
            assert_eq!(first.reply.calls[0].name, "filesystem.read");
            let second = client.complete(&after(1)).await.unwrap();
            assert_eq!(
                (second.reply.text.as_str(), second.cost),
                ("done", Some(Usd::from_nanos(5)))
            );
        }
        let ended = client.complete(&after(2)).await.unwrap_err();
        assert_eq!(ended.to_string(), "the script has no reply for turn 3");
    }

    #[tokio::test]
    async fn summarised_turns_count_and_a_match_takes_precedence_over_the_turn() {
        let client = ScriptedClient::from_json_lines(SCRIPT).unwrap().recording();
        let text = "so far".to_owned();
        let summed_up = ChatRequest::new("m", vec![Message::Summary { turns: 1, text }]);
        assert_eq!(client.complete(&summed_up).await.unwrap().reply.text, "done");
        let asked = ChatRequest::prompt("m", "say it in short");
        assert_eq!(client.complete(&asked).await.unwrap().reply.text, "a summary");
        assert_eq!(client.requests(), [summed_up, asked]);
    }

    #[tokio::test]
    async fn a_match_with_a_turn_applies_at_this_turn_only() {
        let script =
            "{\"match\": \"go\", \"turn\": 1, \"text\": \"second\"}\n{\"text\": \"first\"}";
        let client = ScriptedClient::from_json_lines(script).unwrap();
        for (turns, text) in [(0, "first"), (1, "second")] {
            assert_eq!(client.complete(&after(turns)).await.unwrap().reply.text, text);
        }
        assert!(client.complete(&after(2)).await.is_err());
    }

    #[tokio::test]
    async fn a_scripted_error_fails_the_given_number_of_requests() {
        let mut line = ScriptedReply::error(ErrorKind::RateLimited, "slow down");
        line.text = "at last".to_owned();
        line.error.as_mut().unwrap().times = Some(2);
        line.error.as_mut().unwrap().retry_after_millis = Some(7);
        let client = ScriptedClient::new([line]);
        for _ in 0..2 {
            let error = client.complete(&after(0)).await.unwrap_err();
            assert_eq!(error.to_string(), "scripted: slow down (status 429)");
            assert_eq!(error.retry_after().unwrap().as_millis(), 7);
        }
        assert_eq!(client.complete(&after(0)).await.unwrap().reply.text, "at last");
    }

    #[test]
    fn estimates_are_those_of_the_script_or_the_client() {
        let quote = |client: &ScriptedClient, turn| {
            client.estimate_cost(&after(turn)).max_cost.map(Usd::nanos)
        };
        let client = ScriptedClient::from_json_lines(SCRIPT).unwrap();
        assert_eq!((quote(&client, 0), quote(&client, 1)), (Some(9), Some(5)));
        assert_eq!(quote(&client, 9), None);
        let client = client.with_max_cost(Usd::from_nanos(7));
        assert_eq!((quote(&client, 0), quote(&client, 9)), (Some(9), Some(7)));
    }

    #[test]
    fn an_invalid_line_is_reported_with_its_number() {
        let error = ScriptedClient::from_json_lines("{}\n{\"txet\": 1}").unwrap_err().to_string();
        assert!(error.contains("line 2 of the script: unknown field `txet`"), "{error}");
        let sample = serde_json::to_value(ScriptedReply::call("a", json!({}))).unwrap();
        assert_eq!(sample["calls"], json!([{"name": "a", "arguments": {}}]));
    }
}
