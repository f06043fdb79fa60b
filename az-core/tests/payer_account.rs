//! Behaviour of the account of a payer beyond the contract of [`Account`].
#![expect(clippy::unwrap_used, reason = "a failed test is the right outcome")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use az_core::call::{
    Account, AccountEvent, Meter, ModelCompletion, ModelEffect, ModelFailure, ModelRequest,
    PayerAccount, Restart, RetryPolicy, call_with_retries,
};
use az_core::clock::ManualClock;
use az_core::cost::{BudgetKeeper, Charge, CostTracker, Payer, Settlement, TimeRange, Usage};
use az_core::journal::ModelReply;
use az_core::memory::MemoryStore;
use az_core::testing::sample::at;
use az_core::{ErrorKind, Usd};

/// The most that a call of [`request`] can cost.
const MOST: i64 = 1_000;

fn payer() -> Payer {
    "key:test".parse().unwrap()
}

fn request() -> ModelRequest {
    ModelRequest::new("p", "m").with_estimate(Some(Usd::from_nanos(MOST)), 10)
}

fn account(store: &MemoryStore) -> PayerAccount {
    let clock = Arc::new(ManualClock::at(at(0)));
    PayerAccount::new(Arc::new(store.clone()), clock, payer(), "c").unwrap()
}

fn charge(nanos: i64) -> Charge {
    Charge::new(Usage::tokens(3, 2), Some(Usd::from_nanos(nanos)))
}

/// Fails a number of times, then replies at a cost of 7.
#[derive(Debug, Default)]
struct Model {
    failures: u32,
    settlement: Option<Settlement>,
    /// Notes this charge and never returns.
    hangs_at: Option<Charge>,
    restart: Option<Restart>,
    calls: AtomicU32,
}

#[async_trait]
impl ModelEffect for Model {
    async fn call(&self, meter: &Meter) -> Result<ModelCompletion, ModelFailure> {
        let before = self.calls.fetch_add(1, Ordering::Relaxed);
        if let Some(charge) = &self.hangs_at {
            meter.note(charge.clone());
            std::future::pending::<()>().await;
        }
        if before < self.failures {
            return Err(ModelFailure {
                kind: ErrorKind::Unavailable,
                message: "down".to_owned(),
                retry_after: None,
                settlement: self.settlement.clone().unwrap_or(Settlement::Nothing),
            });
        }
        Ok(ModelCompletion { reply: ModelReply::text("hello"), charge: charge(7) })
    }

    fn restart(&self) -> Restart {
        self.restart.unwrap_or(Restart::Allowed)
    }
}

async fn spent(store: &MemoryStore) -> i64 {
    store.total_in(TimeRange::ALL).await.unwrap().nanos()
}

#[tokio::test]
async fn a_refused_hold_does_not_change_an_open_one_of_the_same_name() {
    let store = MemoryStore::new();
    let (mut first, mut second) = (account(&store), account(&store));
    let hanging = Model { hangs_at: Some(charge(40)), ..Model::default() };
    let (request, other) = (request(), request().with_estimate(Some(Usd::from_nanos(1)), 1));
    let running = first.attempt(&request, &hanging);
    tokio::pin!(running);
    assert!(futures_util::poll!(running.as_mut()).is_pending());
    let refused = second.attempt(&other, &Model::default()).await.unwrap_err();
    assert_eq!(refused.to_string(), "hold \"key:test/c0\" exists already");
    tokio::task::yield_now().await;
    assert_eq!((store.open_holds().await.unwrap().len(), spent(&store).await), (1, 0));
}

#[tokio::test]
async fn a_dropped_attempt_books_what_its_meter_has_noted_or_the_full_hold() {
    for (noted, booked) in [(charge(40), 40), (Charge { cost: None, ..charge(0) }, MOST)] {
        let store = MemoryStore::new();
        let model = Model { hangs_at: Some(noted), ..Model::default() };
        let mut account = account(&store);
        let request = request();
        let dropped =
            tokio::time::timeout(Duration::from_millis(5), account.attempt(&request, &model));
        assert!(dropped.await.is_err());
        while !store.open_holds().await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(spent(&store).await, booked);
    }
}

#[tokio::test(start_paused = true)]
async fn each_retry_has_a_hold_and_an_entry_of_its_own() {
    let store = MemoryStore::new();
    let retries = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&retries);
    let mut account = account(&store).with_listener(move |event| {
        if matches!(event, AccountEvent::Failed { retry_in: Some(_), .. }) {
            counted.fetch_add(1, Ordering::Relaxed);
        }
    });
    let model = Model { failures: 2, settlement: Some(Settlement::Full), ..Model::default() };
    let policy = RetryPolicy::default();
    let completed = call_with_retries(&mut account, &request(), &model, policy).await.unwrap();
    assert_eq!(completed.charge, charge(7));
    assert_eq!((retries.load(Ordering::Relaxed), spent(&store).await), (2, 2 * MOST + 7));
    assert_eq!(store.entries(TimeRange::ALL, Some(&payer())).await.unwrap().len(), 3);
}

#[tokio::test]
async fn an_effect_that_refuses_a_restart_is_not_retried() {
    let store = MemoryStore::new();
    let restart = Some(Restart::Refused);
    let model = Model { failures: 1, restart, ..Model::default() };
    let policy = RetryPolicy::default();
    let error = call_with_retries(&mut account(&store), &request(), &model, policy).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(model.calls.into_inner(), 1);
}
