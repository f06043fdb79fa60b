//! The kit of [`Account`].

mod effect;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::{BoxFuture, Either, select};
use tokio::sync::Notify;

use self::effect::ScriptedEffect;
use super::kit::{Checked, Violation};
use super::sample::{at, budget, payer};
use crate::call::{Account, Attempt, ModelCompletion, ModelFailure, ModelRequest};
use crate::clock::{Clock, ManualClock, Timestamp, earlier, later};
use crate::cost::{Charge, CostEntry, Payer, Period, Scope, Settlement, TimeRange, Usage};
use crate::error::{Error, ErrorKind};
use crate::journal::{ModelReply, RunStore};
use crate::memory::MemoryStore;
use crate::money::Usd;
use crate::{ensure, ensure_eq, ensure_refused, scenarios};

/// The steps of a scenario with an account.
pub type AccountSteps =
    Box<dyn for<'a> FnOnce(&'a mut dyn Account) -> BoxFuture<'a, Checked> + Send>;

/// A new account for one scenario.
///
/// Time is virtual: the kit needs a runtime whose clock is paused, such as that of
/// `#[tokio::test(start_paused = true)]`. Pass `runtime: (start_paused = true)` to the suite.
#[async_trait]
pub trait AccountFixture: Send + Sync {
    /// Opens the account, runs the steps with it, and closes it. Called once.
    async fn run_steps(&self, steps: AccountSteps) -> Checked;

    /// Returns the store and the payer of the account; `None` if it books nothing.
    fn ledger(&self) -> Option<(Arc<dyn RunStore>, Payer)>;

    /// Returns the time of the account's wall clock.
    fn now(&self) -> Timestamp;

    /// Sets the account's wall clock. Its boot time, which it must have if the account books anything,
    /// does not change.
    fn set_wall_clock(&self, now: Timestamp);

    /// Moves the clock and the runtime's time forward.
    async fn advance(&self, by: Duration);

    /// Stops the account's owner. Returns `false` if the owner cannot be stopped.
    fn stop(&self) -> bool;
}

/// The fixture of an account that is created from a store, a clock and a payer, and whose owner
/// cannot be stopped.
#[derive(Debug)]
pub struct AccountInStore<F> {
    store: MemoryStore,
    clock: Arc<ManualClock>,
    payer: Payer,
    open: F,
}

impl<A, F> AccountInStore<F>
where
    A: Account,
    F: Fn(MemoryStore, Arc<ManualClock>, Payer) -> A + Send + Sync,
{
    /// Creates the fixture of the account that `open` creates.
    pub fn new(open: F) -> Self {
        let clock = Arc::new(ManualClock::at(at(0)).with_boot("boot"));
        Self { store: MemoryStore::new(), clock, payer: payer("key:test"), open }
    }
}

#[async_trait]
impl<A, F> AccountFixture for AccountInStore<F>
where
    A: Account,
    F: Fn(MemoryStore, Arc<ManualClock>, Payer) -> A + Send + Sync,
{
    async fn run_steps(&self, steps: AccountSteps) -> Checked {
        let Self { store, clock, payer, open } = self;
        let mut account = open(store.clone(), Arc::clone(clock), payer.clone());
        steps(&mut account).await
    }

    fn ledger(&self) -> Option<(Arc<dyn RunStore>, Payer)> {
        Some((Arc::new(self.store.clone()), self.payer.clone()))
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn set_wall_clock(&self, now: Timestamp) {
        self.clock.set(now);
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "the runtime's time is paused, so this is virtual"
    )]
    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        tokio::time::sleep(by).await;
    }

    fn stop(&self) -> bool {
        false
    }
}

scenarios! {
    $crate
    /// Runs every scenario of [`Account`]'s contract. Those about holds are skipped if the account
    /// books nothing, and the one about stopping if its owner cannot be stopped.
    account for AccountFixture, in account_conformance;

    a_hold_is_open_while_the_effect_runs;
    a_refused_attempt_calls_nothing_and_books_nothing;
    a_completion_is_charged_once;
    a_failure_is_settled_as_it_says;
    a_dropped_attempt_books_at_least_what_was_noted;
    a_hold_does_not_expire_while_the_effect_runs;
    a_wall_clock_that_is_set_back_expires_no_hold;
    a_pause_lasts_as_long_as_requested;
    a_pause_ends_with_an_error_when_the_owner_stops;
}

/// The fixture of a scenario.
type Accounts<'a> = &'a dyn AccountFixture;

/// The most that a call of [`request`] can cost, in nano-dollars.
const MAX_COST: i64 = 1_000;

const MINUTE: Duration = Duration::from_secs(60);

fn request() -> ModelRequest {
    ModelRequest::new("p", "m").with_estimate(Some(Usd::from_nanos(MAX_COST)), 10)
}

fn charge(nanos: i64) -> Charge {
    Charge::new(Usage::tokens(3, 2), Some(Usd::from_nanos(nanos)))
}

fn completion() -> ModelCompletion {
    ModelCompletion { reply: ModelReply::text("hello"), charge: charge(7) }
}

fn failure(settlement: Settlement) -> ModelFailure {
    ModelFailure {
        kind: ErrorKind::Unavailable,
        message: "unreachable".to_owned(),
        retry_after: None,
        settlement,
    }
}

/// Returns steps that make one attempt and expect its outcome.
fn attempting(effect: &Arc<ScriptedEffect>) -> AccountSteps {
    let effect = Arc::clone(effect);
    Box::new(move |account| {
        Box::pin(async move {
            let found = account.attempt(&request(), &*effect).await?;
            let expected = Attempt::from(effect.outcome.clone());
            ensure_eq!(found, expected, "the outcome of an attempt differs from its effect's");
            Ok(())
        })
    })
}

/// Runs steps concurrently with `meanwhile`, which must end first.
async fn run_while(
    fixture: Accounts<'_>,
    steps: AccountSteps,
    meanwhile: impl Future<Output = Checked> + Send,
) -> Checked {
    let (running, meanwhile) = (fixture.run_steps(steps), std::pin::pin!(meanwhile));
    match select(meanwhile, running).await {
        Either::Left((done, running)) => {
            done?;
            running.await
        }
        Either::Right((ended, _)) => {
            ended?;
            Err(Violation::Broken("the steps ended without waiting".to_owned()))
        }
    }
}

fn ledger(fixture: Accounts<'_>) -> Checked<(Arc<dyn RunStore>, Payer)> {
    fixture.ledger().ok_or(Violation::Unmet("an account that books"))
}

async fn entries(store: &dyn RunStore, payer: &Payer) -> Checked<Vec<CostEntry>> {
    Ok(store.entries(TimeRange::ALL, Some(payer)).await?)
}

/// Waits for settlements in the background.
async fn settled(store: &dyn RunStore) -> Checked {
    for _ in 0..1_000 {
        if store.open_holds().await?.is_empty() {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
    let open = store.open_holds().await?;
    ensure_eq!(open, [], "the open holds after the attempt");
    Ok(())
}

/// Checks `Account` 1.
async fn a_hold_is_open_while_the_effect_runs(fixture: Accounts<'_>) -> Checked {
    let (store, payer) = ledger(fixture)?;
    let effect = ScriptedEffect::waiting(None, Ok(completion()));
    let inspect = async {
        effect.started.notified().await;
        let open = store.open_holds().await?;
        let open: Vec<_> = open.iter().map(|hold| (&hold.payer, hold.amount)).collect();
        let expected = [(&payer, Some(Usd::from_nanos(MAX_COST)))];
        ensure_eq!(open, expected, "the holds of a call that runs");
        effect.released.cancel();
        Ok(())
    };
    run_while(fixture, attempting(&effect), inspect).await
}

/// Checks `Account` 1.
async fn a_refused_attempt_calls_nothing_and_books_nothing(fixture: Accounts<'_>) -> Checked {
    let (store, payer) = ledger(fixture)?;
    let tight = budget(Scope::Payer(payer.clone()), Period::Total, MAX_COST - 1);
    store.set_budget(&tight, fixture.now()).await?;
    let effect = ScriptedEffect::released(Ok(completion()));
    let (called, steps_effect) = (Arc::clone(&effect), Arc::clone(&effect));
    let steps: AccountSteps = Box::new(move |account| {
        Box::pin(async move {
            let refused = account.attempt(&request(), &*steps_effect).await;
            ensure_refused!(
                refused,
                Error::BudgetExceeded { .. },
                "an attempt over a budget was made"
            );
            Ok(())
        })
    });
    fixture.run_steps(steps).await?;
    ensure_eq!(called.calls.load(Ordering::SeqCst), 0, "the number of calls without a hold");
    ensure_eq!(entries(&*store, &payer).await?, [], "a refused attempt was booked");
    settled(&*store).await
}

/// Checks `Account` 2.
async fn a_completion_is_charged_once(fixture: Accounts<'_>) -> Checked {
    let (store, payer) = ledger(fixture)?;
    fixture.run_steps(attempting(&ScriptedEffect::released(Ok(completion())))).await?;
    let found: Vec<_> = entries(&*store, &payer).await?.into_iter().map(|e| e.charge).collect();
    ensure_eq!(found, [charge(7)], "the charges of one completion");
    settled(&*store).await
}

/// Checks `Account` 2.
async fn a_failure_is_settled_as_it_says(fixture: Accounts<'_>) -> Checked {
    let (store, payer) = ledger(fixture)?;
    let settlements = [Settlement::Nothing, Settlement::Full, Settlement::Paid(charge(9))];
    let steps: AccountSteps = Box::new(move |account| {
        Box::pin(async move {
            for settlement in settlements {
                let effect = ScriptedEffect::released(Err(failure(settlement)));
                let found = account.attempt(&request(), &*effect).await?;
                let expected = Attempt::from(effect.outcome.clone());
                ensure_eq!(found, expected, "the outcome of an attempt differs from its effect's");
            }
            Ok(())
        })
    });
    fixture.run_steps(steps).await?;
    let found: Vec<_> = entries(&*store, &payer).await?.into_iter().map(|e| e.charge).collect();
    let expected = [Charge::upper_bound(Some(Usd::from_nanos(MAX_COST))), charge(9)];
    ensure_eq!(found, expected, "the charges of failures that cost nothing, all and 9");
    settled(&*store).await
}

/// Checks `Account` 3.
async fn a_dropped_attempt_books_at_least_what_was_noted(fixture: Accounts<'_>) -> Checked {
    let (store, payer) = ledger(fixture)?;
    let effect = ScriptedEffect::waiting(Some(charge(40)), Ok(completion()));
    let steps: AccountSteps = Box::new(move |account| {
        Box::pin(async move {
            let started = std::pin::pin!(effect.started.notified());
            let request = request();
            match select(account.attempt(&request, &*effect), started).await {
                Either::Left((ended, _)) => Err(Violation::Broken(format!(
                    "an attempt ended without its effect: {ended:?}"
                ))),
                Either::Right(((), attempt)) => {
                    drop(attempt);
                    Ok(())
                }
            }
        })
    });
    fixture.run_steps(steps).await?;
    settled(&*store).await?;
    let booked = store.cost_by_payer(&payer).await?;
    ensure!(booked >= Usd::from_nanos(40), "a dropped attempt was booked at {booked} only");
    Ok(())
}

/// Checks `Account` 4.
async fn a_hold_does_not_expire_while_the_effect_runs(fixture: Accounts<'_>) -> Checked {
    running_hold(fixture, Duration::ZERO).await
}

/// Checks `Account` 4.
async fn a_wall_clock_that_is_set_back_expires_no_hold(fixture: Accounts<'_>) -> Checked {
    running_hold(fixture, MINUTE * 60 * 24).await
}

/// Checks that no hold expires while its effect runs and the wall clock is set back.
async fn running_hold(fixture: Accounts<'_>, set_back: Duration) -> Checked {
    let (store, _) = ledger(fixture)?;
    let lease_now = || later(fixture.now(), set_back);
    let effect = ScriptedEffect::waiting(None, Ok(completion()));
    let wait = async {
        effect.started.notified().await;
        let open = store.open_holds().await?;
        let first = open.first().ok_or(Violation::Broken("no hold is open".to_owned()))?.until;
        // Past the time at which the hold expires unless it is renewed, and at most an hour.
        let end = later(first, MINUTE * 5).min(later(fixture.now(), MINUTE * 60));
        fixture.set_wall_clock(earlier(fixture.now(), set_back));
        while lease_now() < end {
            fixture.advance(Duration::from_secs(1)).await;
            let swept = store.sweep(lease_now()).await?;
            ensure_eq!(swept, 0, "holds of a call that runs were swept at {}", lease_now());
        }
        effect.released.cancel();
        Ok(())
    };
    run_while(fixture, attempting(&effect), wait).await
}

/// Checks `Account` 5.
async fn a_pause_lasts_as_long_as_requested(fixture: Accounts<'_>) -> Checked {
    let steps: AccountSteps = Box::new(|account| {
        Box::pin(async move {
            let begin = tokio::time::Instant::now();
            account.pause(Duration::from_secs(10)).await?;
            let lasted = begin.elapsed();
            ensure!(lasted >= Duration::from_secs(10), "a pause of 10 s ended after {lasted:?}");
            Ok(())
        })
    });
    fixture.run_steps(steps).await
}

/// Checks `Account` 5.
async fn a_pause_ends_with_an_error_when_the_owner_stops(fixture: Accounts<'_>) -> Checked {
    let begun = Arc::new(Notify::new());
    let reached = Arc::clone(&begun);
    let steps: AccountSteps = Box::new(move |account| {
        Box::pin(async move {
            reached.notify_one();
            let begin = tokio::time::Instant::now();
            let paused = account.pause(Duration::from_secs(3600)).await;
            ensure!(paused.is_err(), "a pause of a stopped owner ended without an error");
            let lasted = begin.elapsed();
            ensure!(lasted < Duration::from_secs(60), "a pause ended {lasted:?} after the stop");
            Ok(())
        })
    });
    let stop = async {
        begun.notified().await;
        match fixture.stop() {
            true => Ok(()),
            false => Err(Violation::Unmet("an owner that can be stopped")),
        }
    };
    run_while(fixture, steps, stop).await
}
