//! Keeps to a budget, and books what is spent.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use az_core::CallId;
use az_core::clock::{Clock, later};
use az_core::cost::{Alert, BudgetKeeper, Hold, Payer, Settlement};
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::charge::{of_failure, of_reply};
use crate::chat::{ChatEvent, ChatReply, ChatRequest, ChatStream};
use crate::client::{Capabilities, LlmClient, Quote};
use crate::error::{Error, Result};

/// How long a call may take before its hold is swept, when nobody says otherwise: longer than a
/// provider takes for its longest replies.
const LEASE: Duration = Duration::from_secs(600);

/// Takes a hold of the most that a call can cost before it is made, and settles it after: for
/// programs that ask models without the engine, which does the same for every call of a task.
///
/// A call that a budget has too little left for is refused with [`Error::Books`] before anything is
/// sent. What a provider refuses is free; a reply is booked at what it cost; what breaks in the
/// middle is booked at the full hold. A call or a stream that is dropped, or whose settlement
/// cannot be written, stays held until its lease runs out and somebody sweeps: then it is booked in
/// full. So nothing is spent above a budget, and nothing is missing from the ledger.
#[derive(Debug, Clone)]
pub struct MeteredClient(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Arc<dyn LlmClient>,
    keeper: Arc<dyn BudgetKeeper>,
    clock: Arc<dyn Clock>,
    booking: Booking,
    calls: AtomicU64,
}

/// Who is told of alerts.
type Listener = Arc<dyn Fn(&Alert) + Send + Sync>;

/// Under which names and how long calls are held.
#[derive(Clone)]
pub struct Booking {
    payer: Payer,
    prefix: String,
    lease: Duration,
    alerts: Option<Listener>,
}

impl fmt::Debug for Booking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { payer, prefix, lease, .. } = self;
        f.debug_struct("Booking")
            .field("payer", payer)
            .field("prefix", prefix)
            .field("lease", lease)
            .finish_non_exhaustive()
    }
}

impl Booking {
    /// Books calls to a payer, such as a task or a key, under this prefix and a number from 0. The prefix belongs to one
    /// client: a call of a name that was booked before is refused.
    ///
    /// # Errors
    ///
    /// `Invalid` for a prefix that no call's id can begin with.
    pub fn new(payer: impl Into<Payer>, prefix: impl Into<String>) -> az_core::Result<Self> {
        let prefix = prefix.into();
        CallId::new(format!("{prefix}{}", u64::MAX))?;
        Ok(Self { payer: payer.into(), prefix, lease: LEASE, alerts: None })
    }

    /// Returns it with a time after which a call that was not heard of again may be swept; ten
    /// minutes otherwise. A call that takes longer is booked in full.
    #[must_use]
    pub const fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Returns it with somebody who is told when a budget crosses one of its marks, which is
    /// reported once.
    #[must_use]
    pub fn with_alerts(mut self, tell: impl Fn(&Alert) + Send + Sync + 'static) -> Self {
        self.alerts = Some(Arc::new(tell));
        self
    }
}

impl MeteredClient {
    /// Returns a client whose calls are held and settled in these books.
    pub fn new(
        client: Arc<dyn LlmClient>,
        keeper: Arc<dyn BudgetKeeper>,
        clock: Arc<dyn Clock>,
        booking: Booking,
    ) -> Self {
        let calls = AtomicU64::new(0);
        Self(Arc::new(Inner { client, keeper, clock, booking, calls }))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl LlmClient for MeteredClient {
    fn provider(&self) -> &str {
        self.0.client.provider()
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        self.0.client.capabilities(model)
    }

    fn quote(&self, request: &ChatRequest) -> Quote {
        self.0.client.quote(request)
    }

    async fn chat(&self, request: &ChatRequest) -> Result<ChatReply> {
        let inner = &self.0;
        inner.check(request)?;
        let call = inner.hold(request).await?;
        let asked = inner.client.chat(request).await;
        let settlement = match &asked {
            Ok(reply) => inner.paid(request, reply),
            Err(error) => of_failure(error),
        };
        inner.settle(&call, settlement).await;
        asked
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let (inner, request) = (Arc::clone(&self.0), request.clone());
        let opening = async move {
            inner.check(&request)?;
            let call = inner.hold(&request).await?;
            let events = inner.client.stream(&request);
            Ok::<_, Error>(inner.settling(call, request, events))
        };
        stream::once(opening).try_flatten().boxed()
    }
}

impl Inner {
    /// A request that the client would refuse takes no hold.
    fn check(&self, request: &ChatRequest) -> Result<()> {
        let client = &self.client;
        client.capabilities(&request.model).check(client.provider(), request)
    }

    async fn hold(&self, request: &ChatRequest) -> Result<CallId> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let call = CallId::new(format!("{}{number}", self.booking.prefix)).map_err(Error::Books)?;
        let at = self.clock.now();
        let hold = Hold {
            payer: self.booking.payer.clone(),
            call: call.clone(),
            provider: self.client.provider().to_owned(),
            model: request.model.clone(),
            amount: self.client.quote(request).max_cost,
            at,
            until: later(at, self.booking.lease),
        };
        let alerts = self.keeper.hold(&hold).await.map_err(Error::Books)?;
        self.tell(&alerts);
        Ok(call)
    }

    fn paid(&self, request: &ChatRequest, reply: &ChatReply) -> Settlement {
        Settlement::Paid(of_reply(&*self.client, request, reply))
    }

    /// Settles a call. What cannot be written leaves the hold, which is booked in full later: the
    /// reply has been paid for, and is not lost for that.
    async fn settle(&self, call: &CallId, settlement: Settlement) {
        let settled = self.keeper.settle(&self.booking.payer, call, &settlement).await;
        self.tell(&settled.unwrap_or_default());
    }

    fn tell(&self, alerts: &[Alert]) {
        if let Some(tell) = &self.booking.alerts {
            alerts.iter().for_each(|alert| tell(alert));
        }
    }

    /// Passes a stream on, and settles its call before the end is passed on.
    fn settling(
        self: Arc<Self>,
        call: CallId,
        request: ChatRequest,
        events: ChatStream,
    ) -> ChatStream {
        let ended = events.then(move |event| {
            let settlement = match &event {
                Ok(ChatEvent::Finished(reply)) => Some(self.paid(&request, reply)),
                Ok(_) => None,
                Err(error) => Some(of_failure(error)),
            };
            let (this, call) = (Arc::clone(&self), call.clone());
            async move {
                if let Some(settlement) = settlement {
                    this.settle(&call, settlement).await;
                }
                event
            }
        });
        ended.boxed()
    }
}
