//! A client that encodes requests with a provider's wire, and bills them by its simulated cache.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use az_ai::chat::{ChatReply, ChatRequest, ChatStream, Message, replay};
use az_ai::client::{Capabilities, CostEstimate, LlmClient};
use az_ai::provider::tool_names::ToolNames;
use az_ai::provider::wire::{Delivery, Wire};
use az_core::Usd;
use az_core::clock::{Clock, ManualClock, SystemClock};
use az_core::cost::Usage;
use az_core::error::ErrorKind;
use az_core::journal::ModelReply;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::Notify;

use super::provider::Cache;

/// The time between two requests.
const PACE: Duration = Duration::from_secs(20);

/// A request that was billed.
#[derive(Debug, Clone)]
pub(super) struct Billed {
    pub(super) usage: Usage,
    /// The estimated tokens of the request, as the agent counts them.
    pub(super) estimated: u64,
    pub(super) is_summary: bool,
}

/// A client of a simulated provider. Clones share the cache and the bill.
#[derive(Clone)]
pub(super) struct CacheClient(Arc<Inner>);

struct Inner {
    provider: &'static str,
    model: &'static str,
    window: u64,
    wire: Box<dyn Wire>,
    cache: Mutex<Box<dyn Cache>>,
    /// The time of the caches, which all providers of a test share.
    clock: Arc<ManualClock>,
    /// Returns the reply to a request with this number of earlier turns.
    script: fn(usize) -> ModelReply,
    /// The turns at which the provider is unavailable.
    outages: Vec<usize>,
    bill: Mutex<Vec<Billed>>,
    /// The turn at whose request the process is killed: before it is sent, or after.
    kill: Mutex<Option<(usize, Kill)>>,
    killed: Notify,
}

/// When a process is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kill {
    BeforeSending,
    AfterSending,
}

impl fmt::Debug for CacheClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CacheClient").field(&self.0.provider).finish()
    }
}

impl CacheClient {
    pub(super) fn new(
        (provider, model): (&'static str, &'static str),
        wire: Box<dyn Wire>,
        cache: Box<dyn Cache>,
        script: fn(usize) -> ModelReply,
    ) -> Self {
        Self(Arc::new(Inner {
            provider,
            model,
            window: 200_000,
            wire,
            cache: Mutex::new(cache),
            clock: Arc::new(ManualClock::at(SystemClock.now()).with_boot("boot")),
            script,
            outages: Vec::new(),
            bill: Mutex::default(),
            kill: Mutex::default(),
            killed: Notify::new(),
        }))
    }

    fn changed(self, change: impl FnOnce(&mut Inner)) -> Self {
        let mut inner = Arc::into_inner(self.0).expect("a client that is not shared yet");
        change(&mut inner);
        Self(Arc::new(inner))
    }

    pub(super) fn with_window(self, window: u64) -> Self {
        self.changed(|inner| inner.window = window)
    }

    pub(super) fn with_clock(self, clock: Arc<ManualClock>) -> Self {
        self.changed(|inner| inner.clock = clock)
    }

    pub(super) fn with_outages(self, outages: impl IntoIterator<Item = usize>) -> Self {
        self.changed(|inner| inner.outages = outages.into_iter().collect())
    }

    pub(super) fn model(&self) -> &'static str {
        self.0.model
    }

    pub(super) fn bill(&self) -> Vec<Billed> {
        self.0.bill.lock().unwrap().clone()
    }

    /// Makes the next request with this number of earlier turns never return.
    pub(super) fn kill_at(&self, turn: usize, kill: Kill) {
        *self.0.kill.lock().unwrap() = Some((turn, kill));
    }

    /// Waits until that request is made.
    pub(super) async fn killed(&self) {
        self.0.killed.notified().await;
    }

    async fn answer(self, request: ChatRequest) -> az_ai::Result<ChatReply> {
        let at = turns(&request);
        let kill = self.0.kill.lock().unwrap().take_if(|(turn, _)| *turn == at);
        if let Some((_, kill)) = kill {
            if kill == Kill::AfterSending {
                self.reply(&request)?;
            }
            self.0.killed.notify_one();
            std::future::pending::<()>().await;
        }
        self.reply(&request)
    }

    fn reply(&self, request: &ChatRequest) -> az_ai::Result<ChatReply> {
        let inner = &*self.0;
        let turns = turns(request);
        if inner.outages.contains(&turns) {
            let refusal =
                az_ai::error::Refusal::new(inner.provider, ErrorKind::Unavailable, "down");
            return Err(refusal.into());
        }
        let names = ToolNames::new(request.tools.iter().map(|tool| tool.name.as_str()));
        let call = inner.wire.call(request, Delivery::Whole, &names);
        inner.clock.advance(PACE);
        let now = inner.clock.now().as_second().unsigned_abs();
        let usage = inner.cache.lock().unwrap().read(&call, now);
        let is_summary = request.last_user_text().ends_with("Only the summary.");
        let estimated = az_ai::estimate::tokens(request);
        inner.bill.lock().unwrap().push(Billed { usage: usage.clone(), estimated, is_summary });
        let reply = match is_summary {
            true => ModelReply::text("What was done so far. ".repeat(40)),
            false => (inner.script)(turns),
        };
        let cost = Some(Usd::from_nanos(1));
        Ok(ChatReply { reply, usage: Some(usage), cost, ..ChatReply::default() })
    }
}

/// Returns the number of turns of the model in a conversation.
fn turns(request: &ChatRequest) -> usize {
    let turns = request.messages.iter().map(|message| match message {
        Message::Assistant { .. } => 1,
        Message::Summary { turns, .. } => *turns,
        _ => 0,
    });
    turns.sum()
}

#[async_trait]
impl LlmClient for CacheClient {
    fn provider(&self) -> &str {
        self.0.provider
    }

    fn capabilities(&self, _model: &str) -> Capabilities {
        Capabilities::FULL.with_context_window(self.0.window)
    }

    fn estimate_cost(&self, request: &ChatRequest) -> CostEstimate {
        CostEstimate::new(Some(Usd::from_nanos(1)), az_ai::estimate::tokens(request))
    }

    async fn complete(&self, request: &ChatRequest) -> az_ai::Result<ChatReply> {
        self.clone().answer(request.clone()).await
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let (client, request) = (self.clone(), request.clone());
        let reply = async move { client.answer(request).await.map(replay) };
        stream::once(reply).try_flatten().boxed()
    }
}
