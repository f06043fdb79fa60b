//! The account of a payer that is not a run: an API key, an embedder, a tool within a task.

use std::convert::Infallible;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::runtime::Handle;
use tokio::time::MissedTickBehavior;

use super::account::Account;
use super::attempt::{Attempt, Meter, ModelCompletion, ModelEffect, ModelFailure, ModelRequest};
use super::retry::RetryPolicy;
use crate::busy::BusyRetry;
use crate::clock::{Clock, Timestamp, later};
use crate::cost::{Alert, BudgetKeeper, Charge, Hold, Payer, Settlement};
use crate::error::{Error, Result};
use crate::hash::fnv1a;
use crate::id::CallId;
use crate::lease::LeaseClock;

/// How long a hold lasts between two renewals.
const LEASE: Duration = Duration::from_secs(60);

/// Events that an account reports.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AccountEvent {
    /// A budget crossed one of its alert percentages.
    Alert(Alert),
    /// An explanation of the next attempt.
    Note(String),
    /// An attempt failed.
    Failed {
        /// The failure.
        failure: Box<ModelFailure>,
        /// The wait before it is repeated, if it is.
        retry_in: Option<Duration>,
    },
}

/// A listener for the events of an account.
pub type AccountListener = Arc<dyn Fn(&AccountEvent) + Send + Sync>;

/// Holds, makes and settles calls of one payer in a [`BudgetKeeper`].
///
/// A hold is renewed for as long as its call runs, so that a long call keeps its hold, and the hold
/// of a crashed process expires soon and is booked in full. A call whose future is dropped is
/// settled with the charge last noted, or in full. While the store is busy, a settlement is attempted
/// again for up to ten minutes. If it cannot be written, the hold
/// expires and is booked in full; the reply is returned nevertheless, because it has been paid for.
///
/// A clone is another handle to the same account.
#[derive(Clone)]
pub struct PayerAccount {
    keeper: Arc<dyn BudgetKeeper>,
    clock: Arc<dyn Clock>,
    lease_clock: LeaseClock,
    payer: Payer,
    prefix: Arc<str>,
    calls: Arc<AtomicU64>,
    lease: Duration,
    retry: RetryPolicy,
    listener: Option<AccountListener>,
}

impl fmt::Debug for PayerAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { payer, prefix, lease, retry, .. } = self;
        f.debug_struct("PayerAccount")
            .field("payer", payer)
            .field("prefix", prefix)
            .field("lease", lease)
            .field("retry", retry)
            .finish_non_exhaustive()
    }
}

impl PayerAccount {
    /// Creates an account. Its calls are named `prefix` and a number from 0; no other account of
    /// the payer may use the prefix, because a name that was booked before is refused.
    ///
    /// # Errors
    ///
    /// `Invalid` for a prefix that no call id can begin with.
    pub fn new(
        keeper: Arc<dyn BudgetKeeper>,
        clock: Arc<dyn Clock>,
        payer: Payer,
        prefix: &str,
    ) -> Result<Self> {
        CallId::new(format!("{prefix}{}", u64::MAX))?;
        Ok(Self {
            lease_clock: LeaseClock::new(
                Arc::<dyn BudgetKeeper>::clone(&keeper),
                Arc::clone(&clock),
            ),
            keeper,
            clock,
            payer,
            prefix: prefix.into(),
            calls: Arc::default(),
            lease: LEASE,
            retry: RetryPolicy::default(),
            listener: None,
        })
    }

    /// Returns the account with a duration for which a hold lasts between two renewals.
    #[must_use]
    pub const fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Returns the account with a retry policy.
    #[must_use]
    pub const fn with_retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Returns the account with a listener.
    #[must_use]
    pub fn with_listener(
        mut self,
        listener: impl Fn(&AccountEvent) + Send + Sync + 'static,
    ) -> Self {
        self.listener = Some(Arc::new(listener));
        self
    }

    /// Returns an account of another payer, whose calls are numbered together with this one's.
    #[must_use]
    pub fn for_payer(&self, payer: Payer) -> Self {
        Self { payer, ..self.clone() }
    }

    /// Creates an id for a call that is booked elsewhere, from the account's prefix and number.
    ///
    /// # Errors
    ///
    /// None in practice; the prefix was checked.
    pub fn next_call(&self) -> Result<CallId> {
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        CallId::new(format!("{}{number}", self.prefix))
    }

    /// Returns the payer.
    pub const fn payer(&self) -> &Payer {
        &self.payer
    }

    /// Holds the cost of `request`, makes the call and settles it. For calls whose result is not a
    /// model's reply, such as embeddings.
    ///
    /// # Errors
    ///
    /// `BudgetExceeded` or `Unpriced` before the call is polled; the store's own.
    pub async fn pay<T: Send>(
        &self,
        request: &ModelRequest,
        meter: &Meter,
        call: impl Future<Output = Result<(T, Charge), ModelFailure>> + Send,
    ) -> Result<Result<(T, Charge), ModelFailure>> {
        let mut settling =
            SettleOnDrop { account: self, call: Some(self.next_call()?), meter, known: None };
        if let Err(refused) = self.hold(settling.call()?, request).await {
            // A refused hold is not settled: another call may have a hold of the same name.
            settling.call = None;
            return Err(refused);
        }
        let ended = self.renewing(settling.call()?, call).await;
        let settlement = match &ended {
            Ok((_, charge)) => Settlement::Paid(charge.clone()),
            Err(failure) => failure.settlement.clone(),
        };
        settling.known = Some(settlement.clone());
        self.settle(settling.call()?, &settlement).await;
        settling.call = None;
        Ok(ended)
    }

    async fn hold(&self, call: &CallId, request: &ModelRequest) -> Result<()> {
        let hold = Hold {
            payer: self.payer.clone(),
            call: call.clone(),
            provider: request.provider.clone(),
            model: request.model.clone(),
            amount: request.max_cost,
            at: self.clock.now(),
            until: self.hold_until().await?,
        };
        self.alert(self.keeper.hold(&hold).await?);
        Ok(())
    }

    /// Runs a call and renews its hold until it ends.
    async fn renewing<T>(&self, call: &CallId, work: impl Future<Output = T> + Send) -> T {
        tokio::select! {
            biased;
            ended = work => ended,
            never = self.renew(call) => match never {},
        }
    }

    /// Renews a hold repeatedly. A failed renewal is retried: three renewals fit into the duration
    /// of a hold.
    async fn renew(&self, call: &CallId) -> Infallible {
        let mut ticks = tokio::time::interval(self.lease / 4);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await;
        loop {
            ticks.tick().await;
            if let Err(error) = self.renew_once(call).await {
                tracing::warn!(%call, error = error.chain(), "failed to renew a hold");
            }
        }
    }

    async fn renew_once(&self, call: &CallId) -> Result<()> {
        let until = self.hold_until().await?;
        self.keeper.renew(&[(self.payer.clone(), call.clone())], until).await.map(drop)
    }

    /// Returns the lease time at which a hold that is taken or renewed now expires.
    async fn hold_until(&self) -> Result<Timestamp> {
        Ok(later(self.lease_clock.now().await?, self.lease))
    }

    async fn settle(&self, call: &CallId, settlement: &Settlement) {
        let mut retry = BusyRetry::new();
        let settled = loop {
            match self.keeper.settle(&self.payer, call, settlement).await {
                Err(error) if retry.wait_after(&error).await => {}
                settled => break settled,
            }
        };
        match settled {
            Ok(alerts) => self.alert(alerts),
            Err(error) => {
                tracing::warn!(%call, error = error.chain(), "failed to settle a hold; it is booked in full when it expires");
            }
        }
    }

    fn alert(&self, alerts: Vec<Alert>) {
        alerts.into_iter().for_each(|alert| self.report(&AccountEvent::Alert(alert)));
    }

    fn report(&self, event: &AccountEvent) {
        if let Some(listener) = &self.listener {
            listener(event);
        }
    }
}

/// Settles a call whose future is dropped.
struct SettleOnDrop<'a> {
    account: &'a PayerAccount,
    /// The call, until it is settled.
    call: Option<CallId>,
    meter: &'a Meter,
    /// The settlement, once the call has ended.
    known: Option<Settlement>,
}

impl SettleOnDrop<'_> {
    fn call(&self) -> Result<&CallId> {
        self.call.as_ref().ok_or_else(|| Error::Internal("the call is already settled".to_owned()))
    }
}

impl Drop for SettleOnDrop<'_> {
    fn drop(&mut self) {
        let Some(call) = self.call.take() else { return };
        let account = self.account.clone();
        let settlement = self.known.take().unwrap_or_else(|| self.meter.settlement());
        // Without a runtime, the hold expires and is booked in full.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(async move { account.settle(&call, &settlement).await });
        }
    }
}

#[async_trait]
impl Account for PayerAccount {
    async fn attempt(
        &mut self,
        request: &ModelRequest,
        effect: &dyn ModelEffect,
    ) -> Result<Attempt> {
        let meter = Meter::default();
        let call = async {
            effect.call(&meter).await.map(|ModelCompletion { reply, charge }| (reply, charge))
        };
        let ended = self.pay(request, &meter, call).await?;
        Ok(ended.map(|(reply, charge)| ModelCompletion { reply, charge }).into())
    }

    fn failed(&mut self, failure: &ModelFailure, retry_in: Option<Duration>) {
        self.report(&AccountEvent::Failed { failure: Box::new(failure.clone()), retry_in });
    }

    async fn note(&mut self, text: String) -> Result<()> {
        self.report(&AccountEvent::Note(text));
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "the wait before a retry is real time")]
    async fn pause(&mut self, wait: Duration) -> Result<()> {
        tokio::time::sleep(wait).await;
        Ok(())
    }

    fn retry_policy(&self) -> RetryPolicy {
        self.retry
    }

    fn seed(&self) -> u64 {
        let payer = fnv1a(self.payer.to_string().as_bytes());
        payer ^ self.calls.load(Ordering::Relaxed)
    }
}
