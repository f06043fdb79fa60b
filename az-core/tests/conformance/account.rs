//! The accounts of this crate satisfy the contract of [`Account`].

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use az_core::agent::{Answer, FnAgent};
use az_core::call::{PayerAccount, RetryPolicy, Unbooked};
use az_core::clock::ManualClock;
use az_core::cost::Payer;
use az_core::engine::{Engine, EngineOptions, Stop, StopReason};
use az_core::journal::RunStore;
use az_core::memory::MemoryStore;
use az_core::testing::sample::{at, payer, task, worker};
use az_core::testing::{AccountFixture, AccountInStore, AccountSteps, Checked, Violation};
use az_core::{Clock, Timestamp};

const CANNOT_STOP: &str = "a_pause_ends_with_an_error_when_the_owner_stops";

pub(crate) mod payer_account {
    az_core::account_conformance! {
        make: super::payer_account_fixture,
        skips: [super::CANNOT_STOP],
        runtime: (start_paused = true),
    }
}

pub(crate) mod run {
    az_core::account_conformance! {
        make: super::RunFixture::default,
        skips: [],
        runtime: (start_paused = true),
    }
}

pub(crate) mod unbooked {
    az_core::account_conformance! {
        make: || super::UnbookedFixture,
        skips: [
            "a_hold_is_open_while_the_effect_runs",
            "a_refused_attempt_calls_nothing_and_books_nothing",
            "a_completion_is_charged_once",
            "a_failure_is_settled_as_it_says",
            "a_dropped_attempt_books_at_least_what_was_noted",
            "a_hold_does_not_expire_while_the_effect_runs",
            "a_wall_clock_that_is_set_back_expires_no_hold",
            super::CANNOT_STOP,
        ],
        runtime: (start_paused = true),
    }
}

fn payer_account_fixture() -> impl AccountFixture {
    AccountInStore::new(|store: MemoryStore, clock: Arc<ManualClock>, payer| {
        PayerAccount::new(Arc::new(store), clock, payer, "c").unwrap()
    })
}

/// The run of task `t`, whose agent runs the steps.
#[derive(Debug)]
struct RunFixture {
    store: MemoryStore,
    clock: Arc<ManualClock>,
    stop: Stop,
}

impl Default for RunFixture {
    fn default() -> Self {
        let clock = Arc::new(ManualClock::at(at(0)).with_boot("boot"));
        Self { store: MemoryStore::new(), clock, stop: Stop::new() }
    }
}

#[async_trait]
impl AccountFixture for RunFixture {
    async fn run_steps(&self, steps: AccountSteps) -> Checked {
        let (steps, checked) = (Mutex::new(Some(steps)), Arc::new(Mutex::new(None)));
        let found = Arc::clone(&checked);
        let agent = FnAgent::new(move |run| {
            let (steps, found) = (steps.lock().unwrap().take().unwrap(), Arc::clone(&found));
            Box::pin(async move {
                let checked = steps(run).await;
                *found.lock().unwrap() = Some(checked);
                Ok(Answer(String::new()))
            })
        });
        let store = Arc::new(self.store.clone());
        let engine = Engine::new(store, Arc::new(agent), EngineOptions::new(worker("w")))
            .with_clock(Arc::<ManualClock>::clone(&self.clock));
        let ended = engine.execute_until(task("t", 0), self.stop.clone()).await;
        let checked = checked.lock().unwrap().take();
        checked
            .unwrap_or_else(|| Err(Violation::Broken(format!("the steps were not run: {ended:?}"))))
    }

    fn ledger(&self) -> Option<(Arc<dyn RunStore>, Payer)> {
        Some((Arc::new(self.store.clone()), payer("task:t")))
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn set_wall_clock(&self, now: Timestamp) {
        self.clock.set(now);
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        tokio::time::advance(by).await;
    }

    fn stop(&self) -> bool {
        self.stop.request(StopReason::Cancelled);
        true
    }
}

#[derive(Debug)]
struct UnbookedFixture;

#[async_trait]
impl AccountFixture for UnbookedFixture {
    async fn run_steps(&self, steps: AccountSteps) -> Checked {
        steps(&mut Unbooked::new(RetryPolicy::never(), 0)).await
    }

    fn ledger(&self) -> Option<(Arc<dyn RunStore>, Payer)> {
        None
    }

    fn now(&self) -> Timestamp {
        at(0)
    }

    fn set_wall_clock(&self, _now: Timestamp) {}

    async fn advance(&self, by: Duration) {
        tokio::time::advance(by).await;
    }

    fn stop(&self) -> bool {
        false
    }
}
