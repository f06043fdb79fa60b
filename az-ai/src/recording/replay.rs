//! A client that replays a recording.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::time::Instant;

use super::format::{Exchange, Header, Outcome, digest, said};
use super::pace::Pace;
use super::read;
use crate::chat::{ChatEvent, ChatReply, ChatRequest, ChatStream, replay};
use crate::client::{Capabilities, CostEstimate, Fact, LearnedFacts, LlmClient};
use crate::error::{Error, Result};

/// A client that replays a recording: the same replies, errors, costs and estimates, under the same
/// provider's name, without a network.
///
/// A request is matched to the exchange with the same digest. If there is none, for example because
/// the task runs in another directory, it is matched by task and position. So a resumed task
/// continues at its position. Exchanges that match alike, such as attempts, are replayed in the
/// order of the recording, and then again from the first.
#[derive(Clone)]
pub struct ReplayClient {
    recording: Arc<Recording>,
    pace: Pace,
    /// The provider under which calls are booked; the recording's own when absent.
    booked_as: Option<Arc<str>>,
}

struct Recording {
    header: Header,
    exchanges: Vec<Exchange>,
    /// The number of replays of each exchange.
    played: Mutex<Vec<usize>>,
    /// The facts that replayed refusals have shown, under the address of the recording, which is empty.
    learned: LearnedFacts,
}

impl fmt::Debug for ReplayClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplayClient")
            .field("header", &self.recording.header)
            .field("exchanges", &self.recording.exchanges.len())
            .field("pace", &self.pace)
            .finish()
    }
}

impl ReplayClient {
    /// Reads a recording. Empty lines and those that begin with `#` are ignored; an incomplete last
    /// line is ignored with a warning.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`], which names the first invalid line and a remedy.
    pub fn from_json_lines(text: &str) -> Result<Self> {
        let (header, exchanges) = read::recording(text).map_err(|reason| Error::Setup {
            provider: "replay".to_owned(),
            reason: format!("its recording cannot be replayed: {reason}"),
        })?;
        let played = Mutex::new(vec![0; exchanges.len()]);
        let learned = LearnedFacts::default();
        let recording = Arc::new(Recording { header, exchanges, played, learned });
        Ok(Self { recording, pace: Pace::Instant, booked_as: None })
    }

    /// Returns the client with another speed.
    #[must_use]
    pub const fn with_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// Returns the client under another provider's name, so that the ledger distinguishes replayed
    /// calls from paid ones.
    #[must_use]
    pub fn with_provider(mut self, name: impl Into<Arc<str>>) -> Self {
        self.booked_as = Some(name.into());
        self
    }

    /// Returns the header.
    pub fn header(&self) -> &Header {
        &self.recording.header
    }

    /// Returns the exchanges, in the order of the recording.
    pub fn exchanges(&self) -> &[Exchange] {
        &self.recording.exchanges
    }

    /// Returns the number of exchanges that were replayed.
    pub fn played(&self) -> usize {
        self.recording.played.lock().unwrap_or_else(PoisonError::into_inner).iter().sum()
    }

    /// Finds the exchange for a request, and counts a replay of it.
    fn play(&self, request: &ChatRequest) -> Result<Playing> {
        let recording = &self.recording;
        let capabilities = recording.capabilities(&request.model);
        capabilities.check(&recording.header.provider, request)?;
        let matching = recording.find(request);
        let mut played = recording.played.lock().unwrap_or_else(PoisonError::into_inner);
        let times = |index: &usize| played.get(*index).copied().unwrap_or_default();
        let next = matching.into_iter().min_by_key(times);
        if let Some(times) = next.and_then(|index| played.get_mut(index)) {
            *times = times.saturating_add(1);
        }
        drop(played);
        let exchange = next.and_then(|index| recording.exchanges.get(index));
        let exchange = exchange.ok_or_else(|| recording.no_match(request))?.clone();
        Ok(Playing { exchange, pace: self.pace, started: Instant::now() })
    }
}

impl Recording {
    /// Returns the capabilities at the first exchange, and what was learned since.
    fn capabilities(&self, model: &str) -> Capabilities {
        let first = self.exchanges.first().and_then(|first| first.capabilities);
        self.learned.limit("", model, first.unwrap_or(self.header.capabilities))
    }

    /// Returns the exchanges that match a request.
    fn find(&self, request: &ChatRequest) -> Vec<usize> {
        let all = || (0..).zip(&self.exchanges);
        let digest = digest(request);
        let mut found: Vec<_> =
            all().filter(|(_, e)| e.digest.is_some() && e.digest == digest).collect();
        if found.is_empty() {
            let (turns, task) = (request.turns(), request.task());
            found = all().filter(|(_, e)| e.place == turns && e.is_of(task)).collect();
            // The request for a summary has the position of the step after it.
            let said = said(request);
            keep(&mut found, |exchange| exchange.said == said);
        }
        keep(&mut found, |exchange| exchange.outcome != Outcome::Dropped);
        found.into_iter().map(|(index, _)| index).collect()
    }

    /// Explains why no exchange matches.
    fn no_match(&self, request: &ChatRequest) -> Error {
        let task = request.task();
        let last = self.exchanges.iter().filter(|e| e.is_of(task)).map(|e| e.place).max();
        let reason = match (last, self.exchanges.first()) {
            (Some(_), _) => {
                let turn = request.turns().saturating_add(1);
                format!("the recording has no exchange for turn {turn} of this task")
            }
            (None, Some(first)) => format!(
                "the recording is of another task, which begins {:?}; give that one, or record \
                 this one",
                first.task
            ),
            (None, None) => "the recording contains only a header".to_owned(),
        };
        Error::Stopped { reason }
    }
}

/// Keeps the items that satisfy the condition, if any do.
fn keep(found: &mut Vec<(usize, &Exchange)>, so: impl Fn(&Exchange) -> bool) {
    if found.iter().any(|(_, exchange)| so(exchange)) {
        found.retain(|(_, exchange)| so(exchange));
    }
}

#[async_trait]
impl LlmClient for ReplayClient {
    fn provider(&self) -> &str {
        self.booked_as.as_deref().unwrap_or(&self.recording.header.provider)
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        self.recording.capabilities(model)
    }

    fn learn(&self, model: &str, fact: Fact) {
        self.recording.learned.learn("", model, fact);
    }

    /// The estimate covers all attempts, so it does not matter which one comes next.
    fn estimate_cost(&self, request: &ChatRequest) -> CostEstimate {
        let found = self.recording.find(request).into_iter();
        let mut quotes = found.filter_map(|i| self.recording.exchanges.get(i)).map(|e| e.quote);
        // A request without a matching exchange costs nothing.
        let first = quotes.next().unwrap_or(CostEstimate::free(0));
        quotes.fold(first, |a, b| {
            let max_cost = a.max_cost.zip(b.max_cost).map(|(a, b)| a.max(b));
            CostEstimate::new(max_cost, a.input_tokens.max(b.input_tokens))
        })
    }

    async fn complete(&self, request: &ChatRequest) -> Result<ChatReply> {
        let playing = self.play(request)?;
        playing.until(playing.exchange.millis).await;
        playing.result(self.provider())
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let (this, request) = (self.clone(), request.clone());
        let opening =
            async move { this.play(&request).map(|playing| playing.stream(this.provider())) };
        stream::once(opening).try_flatten().boxed()
    }
}

/// An exchange that is being replayed.
struct Playing {
    exchange: Exchange,
    pace: Pace,
    started: Instant,
}

impl Playing {
    /// Waits until a piece that was recorded this many milliseconds after the start is due.
    #[expect(clippy::disallowed_methods, reason = "a replay keeps the recorded delays")]
    async fn until(&self, millis: u64) {
        let after = self.pace.after(millis);
        if after > Duration::ZERO {
            tokio::time::sleep(after.saturating_sub(self.started.elapsed())).await;
        }
    }

    /// Returns the outcome. A call that was dropped has none to replay.
    fn result(&self, provider: &str) -> Result<ChatReply> {
        match &self.exchange.outcome {
            Outcome::Replied(replied) => Ok((**replied).clone().into()),
            Outcome::Failed(failure) => Err(failure.error(provider)),
            Outcome::Dropped => Err(Error::Truncated { provider: provider.to_owned() }),
        }
    }

    /// Returns the pieces with their delays, and then the end.
    fn stream(self, provider: &str) -> ChatStream {
        let result = self.result(provider);
        let this = Arc::new(self);
        let came = this.exchange.pieces.clone();
        let whole = came.is_empty();
        let last = Arc::clone(&this);
        let end = stream::once(async move {
            last.until(last.exchange.millis).await;
            result.map(|reply| {
                if whole {
                    return replay(reply);
                }
                stream::iter([Ok(ChatEvent::Finished(Box::new(reply)))]).boxed()
            })
        });
        let pieces = stream::iter(came).then(move |(millis, piece)| {
            let this = Arc::clone(&this);
            async move {
                this.until(millis).await;
                Ok(ChatEvent::from(piece))
            }
        });
        pieces.chain(end.try_flatten()).boxed()
    }
}
