//! The dispatcher as an `LlmClient`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_trait::async_trait;
use az_core::Usd;
use az_core::call::{Account, PayerAccount, Restart, RetryPolicy, Unbooked};
use az_core::cost::CostEstimate;
use az_core::journal::{ModelReply, Purpose, RequestDigests};
use futures_util::{StreamExt, future, stream};
use tokio::sync::mpsc;

use super::dispatcher::{Dispatched, Dispatcher, Outcome};
use super::options::DispatchOptions;
use super::prompt::{ChatPrompt, Delivery, Prompt, Rejection};
use super::sources::{FixedCandidates, OneClient};
use crate::chat::{ChatEvent, ChatReply, ChatRequest, ChatStream};
use crate::client::{Capabilities, Fact, LlmClient, Prepared};
use crate::error::{Error, Result};
use crate::estimate;
use crate::resolver::{
    CallReport, Candidate, ModelResolver, Requirements, ResolvedModel, RoutingQuery,
};

/// A client that finds candidates for a model's name, falls back from one to the next, retries,
/// and keeps within the budgets of a payer, if it has one.
///
/// A stream is not restarted after a part of it was passed on: the caller gets a later failure.
/// Without a payer nothing is held or booked, and [`estimate_cost`](LlmClient::estimate_cost)
/// covers every attempt. With one, each attempt is held and booked by itself, and a call that a
/// budget refuses fails before anything is sent.
///
/// Tasks do not need it: the agent dispatches on its run, which records each attempt.
#[derive(Debug, Clone)]
pub struct DispatchClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    models: Arc<dyn ModelResolver>,
    books: Books,
    options: DispatchOptions,
}

#[derive(Debug)]
enum Books {
    None {
        retry: RetryPolicy,
        /// Differs between requests, so that requests that fail together are not retried together.
        seed: AtomicU64,
    },
    Payer(PayerAccount),
}

impl DispatchClient {
    /// Creates a client for the models of a resolver, such as a router.
    pub fn new(name: impl Into<String>, models: Arc<dyn ModelResolver>) -> Self {
        let books = Books::None { retry: RetryPolicy::default(), seed: AtomicU64::new(0) };
        let (name, options) = (name.into(), DispatchOptions::default());
        Self(Arc::new(Inner { name, models, books, options }))
    }

    /// Creates a client for the models of another one.
    pub fn around(client: Arc<dyn LlmClient>) -> Self {
        Self::new(client.provider().to_owned(), Arc::new(OneClient(client)))
    }

    /// Creates a client that tries these models in order, whatever model a request names.
    pub fn of_candidates(first: ResolvedModel, others: Vec<ResolvedModel>) -> Self {
        let name = first.client.provider().to_owned();
        let all = [first].into_iter().chain(others).collect();
        Self::new(name, Arc::new(FixedCandidates(all)))
    }

    /// Returns the client with an account that every attempt is held and booked on.
    #[must_use]
    pub fn paid_by(self, account: PayerAccount) -> Self {
        self.rebuilt(Books::Payer(account))
    }

    /// Returns the client with a retry policy and without an account. `seed` spreads the backoff:
    /// pass another number in each process.
    #[must_use]
    pub fn with_retry(self, retry: RetryPolicy, seed: u64) -> Self {
        self.rebuilt(Books::None { retry, seed: AtomicU64::new(seed) })
    }

    /// Returns the client with options.
    #[must_use]
    pub fn with_options(self, options: DispatchOptions) -> Self {
        let Inner { name, models, books, .. } = &*self.0;
        let (name, models, books) = (name.clone(), Arc::clone(models), books.copied());
        Self(Arc::new(Inner { name, models, books, options }))
    }

    fn rebuilt(&self, books: Books) -> Self {
        let Inner { name, models, options, .. } = &*self.0;
        let (name, models) = (name.clone(), Arc::clone(models));
        Self(Arc::new(Inner { name, models, books, options: *options }))
    }
}

impl Books {
    fn copied(&self) -> Self {
        match self {
            Self::None { retry, seed } => {
                Self::None { retry: *retry, seed: AtomicU64::new(seed.load(Ordering::Relaxed)) }
            }
            Self::Payer(account) => Self::Payer(account.clone()),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmClient for DispatchClient {
    fn provider(&self) -> &str {
        &self.0.name
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        let candidates = self.0.candidates(&ChatRequest::prompt(model, "")).unwrap_or_default();
        common(&candidates)
    }

    fn estimate_cost(&self, request: &ChatRequest) -> CostEstimate {
        let attempts = match &self.0.books {
            Books::None { retry, .. } => retry.attempts.max(1),
            Books::Payer(_) => 1,
        };
        let candidates = self.0.candidates(request).unwrap_or_default();
        let estimates = candidates.iter().map(|candidate| {
            let model = &candidate.model;
            let request = ChatRequest { model: model.model.clone(), ..request.clone() };
            model.client.estimate_cost(&request)
        });
        let nothing = CostEstimate::new(Some(Usd::ZERO), 0);
        estimates.fold(nothing, |sum, each| {
            let max_cost = sum.max_cost.zip(each.max_cost).map(|(sum, each)| {
                sum.plus(Usd::from_nanos(each.nanos().saturating_mul(attempts.into())))
            });
            CostEstimate::new(max_cost, sum.input_tokens.max(each.input_tokens))
        })
    }

    async fn complete(&self, request: &ChatRequest) -> Result<ChatReply> {
        let prompt = ChatPrompt::new(request.clone());
        Ok(self.0.dispatch(request, &prompt).await?.chat)
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let (events, received) = mpsc::unbounded_channel();
        let (inner, request) = (Arc::clone(&self.0), request.clone());
        let driving = async move {
            let prompt = StreamPrompt::new(&request, &events);
            let ended = inner.dispatch(&request, &prompt).await;
            let last = ended.map(|replied| ChatEvent::Finished(Box::new(replied.chat)));
            // If the receiver is gone, the stream was dropped and the end is not needed.
            events.send(last).ok();
        };
        let received = stream::unfold(received, async |mut received| {
            received.recv().await.map(|event| (event, received))
        });
        // The driver yields no event of its own; it is polled together with what it sends.
        let driver = stream::once(driving).filter_map(|()| future::ready(None));
        stream::select(received, driver).boxed()
    }

    /// Does nothing: the dispatcher tells the candidate what its refusal has shown.
    fn learn(&self, _model: &str, _fact: Fact) {}

    /// Does nothing: the dispatcher prepares each candidate.
    async fn prepare(&self, _model: &str) -> Prepared {
        Prepared::READY
    }
}

impl Inner {
    fn candidates(&self, request: &ChatRequest) -> Result<Vec<Candidate>> {
        let requirements = Requirements {
            tools: !request.tools.is_empty(),
            images: request.images().next().is_some(),
            format: request.format.is_some(),
        };
        let query = RoutingQuery::new(request.last_user_text())
            .with_model(Some(&request.model))
            .with_request_tokens(estimate::tokens(request))
            .with_max_tokens(request.max_tokens)
            .with_requirements(requirements);
        self.models.candidates(&query)
    }

    async fn dispatch<P>(&self, request: &ChatRequest, prompt: &P) -> Result<Dispatched>
    where
        P: Prompt<Unbooked> + Prompt<PayerAccount>,
    {
        let candidates = self.candidates(request)?;
        common(&candidates).check(&self.name, request)?;
        match &self.books {
            Books::None { retry, seed } => {
                let mut account = Unbooked::new(*retry, seed.fetch_add(1, Ordering::Relaxed));
                self.on(&mut account, prompt, &candidates).await
            }
            Books::Payer(account) => self.on(&mut account.clone(), prompt, &candidates).await,
        }
    }

    async fn on<A: Account>(
        &self,
        account: &mut A,
        prompt: &dyn Prompt<A>,
        candidates: &[Candidate],
    ) -> Result<Dispatched> {
        let report = |model: &ResolvedModel, result: CallReport| self.models.report(model, result);
        let dispatcher = Dispatcher::new(candidates, &report, self.options);
        match dispatcher.dispatch(account, prompt).await? {
            Outcome::Replied(dispatched) => Ok(*dispatched),
            Outcome::TooLong(Some(failed)) => Err((*failed).into()),
            Outcome::TooLong(None) => Err(Error::Unsupported {
                provider: self.name.clone(),
                reason: "the request does not fit into the model's context window".to_owned(),
            }),
        }
    }
}

/// Sends a request, and passes the events of its reply on.
#[derive(Debug)]
struct StreamPrompt<'a> {
    request: ChatPrompt,
    events: &'a mpsc::UnboundedSender<Result<ChatEvent>>,
    passed_on: AtomicBool,
}

impl<'a> StreamPrompt<'a> {
    fn new(request: &ChatRequest, events: &'a mpsc::UnboundedSender<Result<ChatEvent>>) -> Self {
        let request = ChatPrompt::new(request.clone());
        Self { request, events, passed_on: AtomicBool::new(false) }
    }
}

impl<A> Prompt<A> for StreamPrompt<'_> {
    fn purpose(&self) -> Purpose {
        Prompt::<A>::purpose(&self.request)
    }

    fn window(&self, candidate: &Candidate) -> u64 {
        Prompt::<A>::window(&self.request, candidate)
    }

    fn request(&self, account: &A, candidate: &Candidate) -> Option<ChatRequest> {
        self.request.request(account, candidate)
    }

    fn digests(&self, request: &ChatRequest) -> Option<RequestDigests> {
        Prompt::<A>::digests(&self.request, request)
    }

    fn delivery(&self) -> Delivery {
        Delivery::Streamed
    }

    fn on_event(&self, event: &ChatEvent) {
        // The finished event is sent after the call is settled, by the dispatcher.
        if !matches!(event, ChatEvent::UsageReported { .. } | ChatEvent::Finished(_)) {
            self.passed_on.store(true, Ordering::Relaxed);
            self.events.send(Ok(event.clone())).ok();
        }
    }

    fn restart(&self) -> Restart {
        if self.passed_on.load(Ordering::Relaxed) { Restart::Refused } else { Restart::Allowed }
    }

    fn accept(
        &self,
        candidate: &Candidate,
        request: &ChatRequest,
        chat: &ChatReply,
    ) -> Result<ModelReply, Rejection> {
        Prompt::<A>::accept(&self.request, candidate, request, chat)
    }
}

/// Returns the capabilities that all candidates have.
fn common(candidates: &[Candidate]) -> Capabilities {
    let each = candidates.iter().map(|one| one.model.client.capabilities(&one.model.model));
    each.reduce(Capabilities::intersect).unwrap_or_default()
}
