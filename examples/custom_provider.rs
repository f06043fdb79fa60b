//! A custom provider, run through the conformance kit and called by an agent.

use std::io::Write;
use std::sync::Arc;

use async_trait::async_trait;
use az_ai::chat::{ChatReply, ChatRequest, ChatStream, Message, replay};
use az_ai::client::{Capabilities, CostEstimate, LlmClient};
use az_ai::testing::llm_client::{ClientCase, ClientFixture, ProviderBehaviour, llm_client};
use az_ai::{Models, ReActAgent, estimate};
use az_core::clock::{Clock, SystemClock};
use az_core::engine::{Engine, EngineOptions, ExecutionEngine};
use az_core::{Task, TaskId, Usd, WorkerId, cost::Usage, journal::ModelReply, memory::MemoryStore};
use futures_util::{StreamExt, TryStreamExt, stream};

/// Replies with the prompt reversed, for a nano-dollar a token.
#[derive(Debug, Clone, Copy)]
struct Mirror;

#[async_trait]
impl LlmClient for Mirror {
    fn provider(&self) -> &str {
        "mirror"
    }
    fn capabilities(&self, _model: &str) -> Capabilities {
        Capabilities::TEXT.with_context_window(8_000)
    }
    fn estimate_cost(&self, request: &ChatRequest) -> CostEstimate {
        let estimated_tokens = estimate::tokens(request);
        let most = estimated_tokens.saturating_add(u64::from(request.max_tokens));
        CostEstimate::new(i64::try_from(most).ok().map(Usd::from_nanos), estimated_tokens)
    }
    async fn complete(&self, request: &ChatRequest) -> az_ai::Result<ChatReply> {
        // A request that needs a missing capability is refused.
        self.capabilities(&request.model).check(self.provider(), request)?;
        let Some(Message::User { text, .. }) = request.messages.last() else {
            return Err(az_ai::Error::Stopped { reason: "there is nothing to mirror".to_owned() });
        };
        let reply = ModelReply::text(text.chars().rev().collect::<String>());
        let usage = Usage::tokens(estimate::tokens(request), estimate::text(&reply.text));
        let cost = i64::try_from(usage.total()).ok().map(Usd::from_nanos);
        let model = request.model.clone();
        Ok(ChatReply { reply, usage: Some(usage), cost, model, ..ChatReply::default() })
    }
    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let (this, request) = (*self, request.clone());
        stream::once(async move { this.complete(&request).await.map(replay) }).try_flatten().boxed()
    }
}

#[async_trait]
impl ClientFixture for Mirror {
    async fn client(&self, behaviour: ProviderBehaviour) -> Option<ClientCase> {
        let request = ChatRequest::prompt("mirror-1", "stressed");
        let usage = Some(Usage::tokens(estimate::tokens(&request), 3));
        let (client, reply) = (Arc::new(*self), ModelReply::text("desserts"));
        let can = matches!(behaviour, ProviderBehaviour::Replies | ProviderBehaviour::WithoutTools);
        can.then_some(ClientCase { client, request, reply, usage, secret: None })
    }
    async fn requests(&self) -> Option<usize> {
        None
    }
    async fn saw_disconnect(&self) -> Option<bool> {
        None
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let report = llm_client(|| Mirror).await;
    writeln!(std::io::stdout(), "{report}")?;
    report.assert_passed();
    let agent = ReActAgent::new(Arc::new(Models::new("mirror", Arc::new(Mirror), "mirror-1")));
    let options = EngineOptions::new(WorkerId::new("me")?);
    let engine = Engine::new(Arc::new(MemoryStore::new()), Arc::new(agent), options);
    let task = Task::new(TaskId::new("t1")?, "!dlrow ,olleh", SystemClock.now())?;
    let done = engine.execute(task, None).await?;
    Ok(writeln!(std::io::stdout(), "{:?} for {}", done.answer, done.cost)?)
}
