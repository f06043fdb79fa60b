//! Completions of tools, on the account of the payer of the call.

use std::sync::Arc;
use std::time::Duration;

use az_ai::completer::DispatchCompleter;
use az_ai::dispatch::{DispatchClient, DispatchOptions};
use az_ai::scripted::{ScriptedClient, ScriptedReply};
use az_core::call::{Completer, Completion, CompletionRequest};
use az_core::clock::ManualClock;
use az_core::cost::{BudgetKeeper, CostTracker, Payer, Period, Scope, TimeRange, Usage};
use az_core::memory::MemoryStore;
use az_core::testing::sample::{at, budget};
use az_core::{CallId, Error, Usd};

/// A completer, its store and its model.
struct Shop {
    store: MemoryStore,
    model: Arc<ScriptedClient>,
    completer: DispatchCompleter,
}

impl Shop {
    fn with(reply: ScriptedReply) -> Self {
        let store = MemoryStore::new();
        let model = Arc::new(ScriptedClient::new([reply]).recording());
        // Without a wait, so that a call that exceeds the budget is refused at once.
        let options = DispatchOptions::default().with_budget_wait(Duration::ZERO);
        let client = DispatchClient::around(Arc::<ScriptedClient>::clone(&model));
        let clock = Arc::new(ManualClock::at(at(0)));
        let keeper = Arc::new(store.clone());
        let completer =
            DispatchCompleter::new(client.with_options(options), keeper, clock, "process");
        Self { store, model, completer }
    }

    async fn complete(&self) -> az_core::Result<Completion> {
        let request = CompletionRequest::new("hello").with_model(Some("m".to_owned()));
        let call: CallId = "t0.1".parse().unwrap();
        self.completer.complete(&payer(), &call, &request).await
    }

    /// Returns the ids and costs that are booked on the payer.
    async fn booked(&self) -> Vec<(String, Option<Usd>)> {
        let entries = self.store.entries(TimeRange::ALL, Some(&payer())).await.unwrap();
        entries.into_iter().map(|entry| (entry.call.to_string(), entry.charge.cost)).collect()
    }
}

fn payer() -> Payer {
    "task:t".parse().unwrap()
}

fn paid(nanos: i64) -> ScriptedReply {
    ScriptedReply::text("hello you").with_usage(Usage::tokens(3, 2), Usd::from_nanos(nanos))
}

/// Checks `Completer` 2 and `Completer` 3.
#[tokio::test]
async fn every_completion_is_booked_under_the_id_of_its_call() {
    let shop = Shop::with(paid(7));
    for _ in 0..2 {
        let completion = shop.complete().await.unwrap();
        assert_eq!((completion.text.as_str(), completion.is_cut), ("hello you", false));
    }
    let cost = Some(Usd::from_nanos(7));
    let id = |number: u32| format!("t0.1.process.{number}.0");
    assert_eq!(shop.booked().await, [(id(0), cost), (id(1), cost)]);
    let request = &shop.model.requests()[0];
    assert_eq!((request.temperature, request.max_tokens), (Some(0.7), 2048));
    assert_eq!(request.last_user_text(), "hello");
}

/// Checks `Completer` 1.
#[tokio::test]
async fn a_budget_refuses_a_completion_before_it_is_sent() {
    let shop = Shop::with(paid(7));
    let cap = budget(Scope::Payer(payer()), Period::Total, 5);
    shop.store.set_budget(&cap, at(0)).await.unwrap();
    let refused = shop.complete().await.unwrap_err();
    assert!(matches!(refused, Error::BudgetExceeded { .. }), "{refused}");
    assert_eq!((shop.booked().await, shop.model.requests().len()), (vec![], 0));
}

/// Checks `Completer` 2.
#[tokio::test]
async fn a_completion_that_is_dropped_is_booked() {
    let shop = Shop::with(ScriptedReply { delay_millis: 3_600_000, ..paid(7) });
    let completing = tokio::time::timeout(Duration::from_millis(10), shop.complete());
    assert!(completing.await.is_err());
    while !shop.store.open_holds().await.unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(shop.booked().await, [("t0.1.process.0.0".to_owned(), Some(Usd::from_nanos(7)))]);
}
