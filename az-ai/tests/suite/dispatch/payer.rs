//! A dispatcher with a payer holds, settles and books every attempt.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use az_ai::chat::{ChatEvent, ChatRequest};
use az_ai::client::LlmClient;
use az_ai::dispatch::{DispatchClient, DispatchOptions};
use az_ai::error::Sent;
use az_ai::scripted::ScriptedReply;
use az_core::call::{AccountEvent, PayerAccount, RetryPolicy};
use az_core::clock::ManualClock;
use az_core::cost::{
    Budget, BudgetKeeper, Charge, CostEntry, CostTracker, Payer, Period, Scope, TimeRange, Usage,
};
use az_core::memory::MemoryStore;
use az_core::testing::sample::{at, budget, call_id};
use az_core::{Clock, ErrorKind, Usd};
use futures_util::StreamExt;

use crate::react::shop::Priced;

/// The maximum cost of a call of [`go`].
const MOST: i64 = 1_100;

fn go() -> ChatRequest {
    ChatRequest::prompt("m", "go").with_max_tokens(100)
}

fn payer() -> Payer {
    "key:test".parse().unwrap()
}

fn paid(nanos: i64) -> ScriptedReply {
    ScriptedReply::text("hello you").with_usage(Usage::tokens(3, 2), Usd::from_nanos(nanos))
}

/// A client, its store and its clock.
struct Shop {
    store: MemoryStore,
    clock: Arc<ManualClock>,
    shop: Priced,
    client: DispatchClient,
}

impl Shop {
    fn with(line: ScriptedReply) -> Self {
        Self::listening(line, |account| account)
    }

    fn listening(line: ScriptedReply, set: impl Fn(PayerAccount) -> PayerAccount) -> Self {
        let (store, shop) = (MemoryStore::new(), Priced::new([line]));
        let clock = Arc::new(ManualClock::at(at(0)));
        let keeper = Arc::new(store.clone());
        let account =
            PayerAccount::new(keeper, Arc::<ManualClock>::clone(&clock), payer(), "run-1:");
        let account = set(account.unwrap().with_retry(RetryPolicy::never()));
        // Without a wait, so that a call that exceeds the budget is refused at once.
        let options = DispatchOptions::default().with_budget_wait(Duration::ZERO);
        let client = DispatchClient::around(Arc::new(shop.clone()));
        Self { store, clock, shop, client: client.with_options(options).paid_by(account) }
    }

    async fn cap(&self, nanos: i64) {
        let cap = budget(Scope::Global, Period::Daily, nanos);
        self.store.set_budget(&cap, at(0)).await.unwrap();
    }

    async fn entries(&self) -> Vec<CostEntry> {
        self.store.entries(TimeRange::ALL, None).await.unwrap()
    }

    /// Waits until the task that settles a dropped call has run.
    async fn settled(&self) {
        while self.held().await > 0 {
            tokio::task::yield_now().await;
        }
    }

    async fn held(&self) -> usize {
        self.store.open_holds().await.unwrap().len()
    }
}

#[tokio::test]
async fn a_reply_is_booked_at_what_it_cost() {
    let shop = Shop::with(paid(700));
    shop.client.complete(&go()).await.unwrap();
    let events: Vec<_> = shop.client.stream(&go()).collect().await;
    assert!(matches!(events.last(), Some(Ok(ChatEvent::Finished(_)))));
    let entry = |call| CostEntry {
        payer: payer(),
        call: call_id(call),
        provider: "shop".to_owned(),
        model: "m".to_owned(),
        charge: Charge::new(Usage::tokens(3, 2), Some(Usd::from_nanos(700))),
        at: at(0),
    };
    assert_eq!(shop.entries().await, [entry("run-1:0"), entry("run-1:1")]);
    assert_eq!(shop.held().await, 0);
}

#[tokio::test]
async fn concurrent_calls_never_exceed_the_budget() {
    let shop = Shop::with(ScriptedReply { delay_millis: 5, ..paid(MOST) });
    shop.cap(10 * MOST + 99).await;
    let request = go();
    let calls = (0..64).map(|n| {
        let (client, request) = (&shop.client, &request);
        async move {
            if n % 2 == 0 {
                return client.complete(request).await.map(drop);
            }
            let mut events = client.stream(request);
            while let Some(event) = events.next().await {
                event?;
            }
            Ok(())
        }
    });
    let ended = futures_util::future::join_all(calls).await;
    let refused: Vec<_> = ended.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 54);
    for error in &refused {
        assert_eq!((error.kind(), error.sent()), (ErrorKind::Budget, Sent::No), "{error}");
    }
    let told = "global daily budget: $0.0000011 needed, $0.000000099 of $0.000011099 left, \
                $0.000011 held for calls under way";
    assert_eq!(refused[0].to_string(), told);
    assert_eq!(shop.shop.script.requests().len(), 10, "nothing else was sent");
    let spent = shop.store.total_in(TimeRange::ALL).await.unwrap();
    assert_eq!((spent, shop.held().await), (Usd::from_nanos(10 * MOST), 0));
}

/// Checks `ModelEffect` 3.
#[tokio::test]
async fn a_dropped_call_is_settled_in_full_at_once() {
    let silent = Shop::with(ScriptedReply { delay_millis: 3_600_000, ..paid(7) });
    let request = go();
    let call = tokio::time::timeout(Duration::from_millis(10), silent.client.complete(&request));
    assert!(call.await.is_err());
    silent.settled().await;
    assert_eq!(silent.store.total_in(TimeRange::ALL).await.unwrap(), Usd::from_nanos(MOST));

    let silent = Shop::with(ScriptedReply { delay_millis: 3_600_000, ..paid(7) });
    let mut events = silent.client.stream(&request);
    let event = tokio::time::timeout(Duration::from_millis(10), events.next());
    assert!(event.await.is_err());
    drop(events);
    silent.settled().await;
    assert_eq!(silent.store.total_in(TimeRange::ALL).await.unwrap(), Usd::from_nanos(MOST));
}

#[tokio::test(start_paused = true)]
async fn a_hold_is_renewed_while_its_call_runs() {
    let shop = Shop::with(ScriptedReply { delay_millis: 600_000, ..paid(7) });
    let request = go();
    let watching = async {
        // A hold lasts 60 s and is renewed every 15 s.
        for _ in 0..36 {
            shop.clock.advance(Duration::from_secs(15));
            tokio::time::advance(Duration::from_secs(15)).await;
            // The call's future, and with it a due renewal, is polled before this one again.
            tokio::task::yield_now().await;
            assert_eq!(shop.store.sweep(shop.clock.now()).await.unwrap(), 0, "it expired");
        }
        futures_util::future::pending::<()>().await;
    };
    let reply = tokio::select! {
        biased;
        reply = shop.client.complete(&request) => reply,
        () = watching => unreachable!("it is never ready"),
    };
    assert_eq!(reply.unwrap().reply.text, "hello you");
    assert_eq!(shop.store.total_in(TimeRange::ALL).await.unwrap(), Usd::from_nanos(7));
}

/// Checks `ModelEffect` 2.
#[tokio::test]
async fn a_broken_call_is_booked_in_full_and_a_refused_one_is_free() {
    let broken = Shop::with(ScriptedReply { cut_after: Some(3), ..paid(7) });
    broken.client.complete(&go()).await.unwrap_err();
    broken.client.stream(&go()).collect::<Vec<_>>().await;
    let costs: Vec<_> =
        broken.entries().await.into_iter().map(|e| (e.charge.cost, e.charge.estimated)).collect();
    assert_eq!(costs, [(Some(Usd::from_nanos(MOST)), true); 2]);

    let refused = Shop::with(ScriptedReply::error(ErrorKind::Unauthorized, "who are you?"));
    refused.client.complete(&go()).await.unwrap_err();
    refused.client.stream(&go()).collect::<Vec<_>>().await;
    assert_eq!((refused.entries().await, refused.held().await), (Vec::new(), 0));
}

#[tokio::test]
async fn unreported_usage_has_a_price() {
    let shop = Shop::with(ScriptedReply::text("twelve bytes"));
    shop.client.complete(&go()).await.unwrap();
    let entry = shop.entries().await.remove(0);
    assert_eq!((entry.charge.cost, entry.charge.estimated), (Some(Usd::from_nanos(1_012)), true));
}

/// The provider will bill it, so it is booked as it is.
#[tokio::test]
async fn a_reported_cost_above_the_hold_is_booked_with_a_note() {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&notes);
    let shop = Shop::listening(paid(5_000), |account| {
        let heard = Arc::clone(&heard);
        account.with_listener(move |event| {
            if let AccountEvent::Note(text) = event {
                heard.lock().unwrap().push(text.clone());
            }
        })
    });
    shop.client.complete(&go()).await.unwrap();
    assert_eq!(shop.entries().await.remove(0).charge.cost, Some(Usd::from_nanos(5_000)));
    let notes = notes.lock().unwrap().concat();
    assert!(notes.starts_with("warning: the call cost $0.000005, more than"), "{notes}");
}

#[tokio::test]
async fn an_alert_is_reported_once() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let shop = Shop::listening(paid(500), |account| {
        let heard = Arc::clone(&heard);
        account.with_listener(move |event| {
            if let AccountEvent::Alert(alert) = event {
                heard.lock().unwrap().push(alert.percent);
            }
        })
    });
    let cap = budget(Scope::Global, Period::Daily, 2_000);
    shop.store.set_budget(&Budget { alerts: vec![50], ..cap }, at(0)).await.unwrap();
    shop.client.complete(&go()).await.unwrap();
    shop.client.complete(&go()).await.unwrap();
    assert_eq!(*told.lock().unwrap(), [50]);
}

#[tokio::test]
async fn a_reply_is_shortened_to_what_the_budget_has_left() {
    let shop = Shop::with(paid(1));
    shop.cap(1_500).await;
    shop.client.complete(&go().with_max_tokens(2_048)).await.unwrap();
    assert_eq!(shop.shop.script.requests()[0].max_tokens, 500);
}

#[test]
fn a_prefix_that_makes_no_id_is_refused() {
    let account = |prefix: &str| {
        let clock = Arc::new(ManualClock::at(at(0)));
        PayerAccount::new(Arc::new(MemoryStore::new()), clock, payer(), prefix)
    };
    assert!(account("a b").is_err());
    assert!(account(&"x".repeat(120)).is_err());
}
