//! Saboteurs of accounts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use az_core::call::{
    Account, Attempt, Meter, ModelCompletion, ModelEffect, ModelFailure, ModelRequest,
    PayerAccount, Restart, RetryPolicy,
};
use az_core::clock::{Clock, ManualClock, later};
use az_core::cost::{BudgetKeeper, CostEntry, CostTracker, Hold, Payer, Settlement};
use az_core::journal::RunStore;
use az_core::memory::MemoryStore;
use az_core::testing::sample::entry;
use az_core::testing::{AccountFixture, AccountInStore, AccountSteps, Checked, account};
use az_core::{CallId, Result, Timestamp};

/// The fault of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    Nothing,
    /// Breaks `Account` 1.
    CallsBeforeItHolds,
    /// Breaks `Account` 2.
    BooksCompletionsTwice,
    /// Breaks `Account` 2.
    SettlesFailuresInFull,
    /// Breaks `Account` 3. Leaves the hold of a dropped attempt open.
    ForgetsDroppedAttempts,
    /// Breaks `Account` 4. The same, with holds that expire after a minute.
    NeverRenews,
    /// Breaks `Account` 4. Renews its holds by a clock that was set back.
    FollowsTheWallClock,
    /// Breaks `Account` 5.
    DoesNotPause,
}

/// An account that breaks its contract in one way.
#[derive(Debug)]
struct BentAccount {
    broken: Broken,
    inner: PayerAccount,
    store: MemoryStore,
    clock: Arc<ManualClock>,
}

/// Settles every failure of an effect in full.
#[derive(Debug)]
struct InFull<'a>(&'a dyn ModelEffect);

#[async_trait]
impl ModelEffect for InFull<'_> {
    async fn call(&self, meter: &Meter) -> Result<ModelCompletion, ModelFailure> {
        let ended = self.0.call(meter).await;
        ended.map_err(|failure| ModelFailure { settlement: Settlement::Full, ..failure })
    }

    fn restart(&self) -> Restart {
        self.0.restart()
    }
}

impl BentAccount {
    /// Holds, calls and settles, without a guard for a dropped future.
    async fn attempt_without_guard(
        &self,
        request: &ModelRequest,
        effect: &dyn ModelEffect,
        lease: Duration,
    ) -> Result<Attempt> {
        let (payer, call) = (self.inner.payer().clone(), self.inner.next_call()?);
        let at = self.clock.now();
        let hold = Hold {
            payer: payer.clone(),
            call: call.clone(),
            provider: request.provider.clone(),
            model: request.model.clone(),
            amount: request.max_cost,
            at,
            until: later(at, lease),
        };
        self.store.hold(&hold).await?;
        let ended = effect.call(&Meter::default()).await;
        let settlement = match &ended {
            Ok(completion) => Settlement::Paid(completion.charge.clone()),
            Err(failure) => failure.settlement.clone(),
        };
        self.store.settle(&payer, &call, &settlement).await?;
        Ok(ended.into())
    }
}

#[async_trait]
impl Account for BentAccount {
    async fn attempt(
        &mut self,
        request: &ModelRequest,
        effect: &dyn ModelEffect,
    ) -> Result<Attempt> {
        match self.broken {
            Broken::Nothing | Broken::DoesNotPause | Broken::FollowsTheWallClock => {
                self.inner.attempt(request, effect).await
            }
            Broken::CallsBeforeItHolds => {
                effect.call(&Meter::default()).await.ok();
                self.inner.attempt(request, effect).await
            }
            Broken::BooksCompletionsTwice => {
                let attempt = self.inner.attempt(request, effect).await?;
                if let Attempt::Completed(completion) = &attempt {
                    let again = CostEntry {
                        payer: self.inner.payer().clone(),
                        call: CallId::new("again")?,
                        charge: completion.charge.clone(),
                        ..entry("t", "m0", 0, 0)
                    };
                    self.store.book(&again).await?;
                }
                Ok(attempt)
            }
            Broken::SettlesFailuresInFull => {
                match self.inner.attempt(request, &InFull(effect)).await? {
                    // The settlement that the effect reports, so that only the ledger is wrong.
                    Attempt::Failed(_) => Ok(effect.call(&Meter::default()).await.into()),
                    completed @ Attempt::Completed(_) => Ok(completed),
                }
            }
            Broken::ForgetsDroppedAttempts => {
                self.attempt_without_guard(request, effect, Duration::from_secs(86_400)).await
            }
            Broken::NeverRenews => {
                self.attempt_without_guard(request, effect, Duration::from_secs(60)).await
            }
        }
    }

    fn failed(&mut self, failure: &ModelFailure, retry_in: Option<Duration>) {
        self.inner.failed(failure, retry_in);
    }

    async fn note(&mut self, text: String) -> Result<()> {
        self.inner.note(text).await
    }

    async fn pause(&mut self, wait: Duration) -> Result<()> {
        match self.broken {
            Broken::DoesNotPause => Ok(()),
            _ => self.inner.pause(wait).await,
        }
    }

    fn retry_policy(&self) -> RetryPolicy {
        self.inner.retry_policy()
    }

    fn seed(&self) -> u64 {
        self.inner.seed()
    }
}

fn bent(broken: Broken) -> impl AccountFixture {
    AccountInStore::new(move |store: MemoryStore, clock: Arc<ManualClock>, payer| {
        let inner = Arc::new(store.clone());
        let timer: Arc<dyn Clock> = match broken {
            Broken::FollowsTheWallClock => Arc::new(WallClock(Arc::clone(&clock))),
            _ => Arc::<ManualClock>::clone(&clock),
        };
        let inner = PayerAccount::new(inner, timer, payer, "c").unwrap();
        BentAccount { broken, inner, store, clock }
    })
}

/// A clock without a boot time.
#[derive(Debug)]
struct WallClock(Arc<ManualClock>);

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// Breaks `Account` 5. A fixture whose owner can be stopped, which the account ignores.
struct IgnoringStop<F>(F);

#[async_trait]
impl<F: AccountFixture> AccountFixture for IgnoringStop<F> {
    async fn run_steps(&self, steps: AccountSteps) -> Checked {
        self.0.run_steps(steps).await
    }

    fn ledger(&self) -> Option<(Arc<dyn RunStore>, Payer)> {
        self.0.ledger()
    }

    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn set_wall_clock(&self, now: Timestamp) {
        self.0.set_wall_clock(now);
    }

    async fn advance(&self, by: Duration) {
        self.0.advance(by).await;
    }

    fn stop(&self) -> bool {
        true
    }
}

const HOLDS: &str = "a_hold_is_open_while_the_effect_runs";
const REFUSES: &str = "a_refused_attempt_calls_nothing_and_books_nothing";
const CHARGES: &str = "a_completion_is_charged_once";
const SETTLES: &str = "a_failure_is_settled_as_it_says";
const DROPS: &str = "a_dropped_attempt_books_at_least_what_was_noted";
const RENEWS: &str = "a_hold_does_not_expire_while_the_effect_runs";
const SET_BACK: &str = "a_wall_clock_that_is_set_back_expires_no_hold";
const PAUSES: &str = "a_pause_lasts_as_long_as_requested";
const STOPS: &str = "a_pause_ends_with_an_error_when_the_owner_stops";

/// The scenarios that the saboteurs of this module break.
pub(crate) const BROKEN: &[&str] =
    &[HOLDS, REFUSES, CHARGES, SETTLES, DROPS, RENEWS, SET_BACK, PAUSES, STOPS];

#[tokio::test(start_paused = true)]
async fn every_broken_clause_of_an_account_is_detected() {
    for (broken, expected) in [
        (Broken::Nothing, &[][..]),
        (Broken::CallsBeforeItHolds, &[HOLDS, REFUSES, DROPS, RENEWS, SET_BACK]),
        (Broken::BooksCompletionsTwice, &[CHARGES]),
        (Broken::SettlesFailuresInFull, &[SETTLES]),
        (Broken::ForgetsDroppedAttempts, &[DROPS]),
        (Broken::NeverRenews, &[DROPS, RENEWS, SET_BACK]),
        (Broken::FollowsTheWallClock, &[SET_BACK]),
        (Broken::DoesNotPause, &[PAUSES, STOPS]),
    ] {
        let report = account(|| bent(broken)).await;
        assert_eq!(report.failed(), expected, "{broken:?}\n{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_account_that_does_not_stop_is_detected() {
    let report = account(|| IgnoringStop(bent(Broken::Nothing))).await;
    assert_eq!(report.failed(), [STOPS], "\n{report}");
}
