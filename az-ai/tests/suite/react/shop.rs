//! Models with prices, and a resolver with several candidates.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use az_ai::chat::{ChatReply, ChatRequest, ChatStream};
use az_ai::client::{Capabilities, CostEstimate, LlmClient};
use az_ai::resolver::{
    CallReport, Candidate, ModelResolver, QueryInputs, Requirements, ResolvedModel, RoutingQuery,
};
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_core::Usd;

/// A scripted client that costs an amount for each request and for each token that the reply may
/// have.
#[derive(Debug, Clone)]
pub(crate) struct Priced {
    pub(crate) script: ScriptedClient,
    pub(crate) request: i64,
    pub(crate) token: i64,
}

impl Priced {
    /// A nano-dollar a token, and a thousand a request.
    pub(crate) fn new(lines: impl IntoIterator<Item = ScriptedReply>) -> Self {
        let script = ScriptedClient::new(lines).recording();
        Self { script, request: 1_000, token: 1 }
    }
}

#[async_trait]
impl LlmClient for Priced {
    fn provider(&self) -> &str {
        "shop"
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        self.script.capabilities(model)
    }

    fn estimate_cost(&self, request: &ChatRequest) -> CostEstimate {
        let cost = self.request + self.token * i64::from(request.max_tokens);
        CostEstimate::new(Some(Usd::from_nanos(cost)), az_ai::estimate::tokens(request))
    }

    async fn complete(&self, request: &ChatRequest) -> az_ai::Result<ChatReply> {
        self.script.complete(request).await
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        self.script.stream(request)
    }
}

/// Returns the same candidates each time, and keeps the reports.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    candidates: Vec<Candidate>,
    pub(crate) asked: Mutex<Vec<(u64, u32, Option<Usd>)>>,
    pub(crate) required: Mutex<Vec<Requirements>>,
    pub(crate) reported: Mutex<Vec<(String, CallReport)>>,
}

impl Choice {
    pub(crate) fn with(mut self, name: &str, client: impl LlmClient) -> Self {
        let model = ResolvedModel::new(Arc::new(client), name);
        let candidate = Candidate::new(model);
        let candidate = match self.candidates.as_slice() {
            [] => candidate.with_reason("it is the best"),
            _ => candidate,
        };
        self.candidates.push(candidate);
        self
    }
}

impl ModelResolver for Choice {
    fn resolve(&self, _model: Option<&str>) -> az_ai::Result<ResolvedModel> {
        Ok(self.candidates[0].model.clone())
    }

    fn candidates(&self, query: &RoutingQuery<'_>) -> az_ai::Result<Vec<Candidate>> {
        let asked = (query.request_tokens, query.max_tokens, query.budget_left);
        self.asked.lock().unwrap().push(asked);
        self.required.lock().unwrap().push(query.requirements);
        Ok(self.candidates.clone())
    }

    fn query_inputs(&self, _model: Option<&str>) -> QueryInputs {
        QueryInputs { request_tokens: true, budget_left: true }
    }

    fn report(&self, model: &ResolvedModel, result: CallReport) {
        self.reported.lock().unwrap().push((model.model.clone(), result));
    }
}
