//! Keeps to the budget, and books everything.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use az_ai::chat::{ChatEvent, ChatRequest};
use az_ai::client::{LlmClient, LlmClientExt};
use az_ai::decorate::{Booking, MeteredClient};
use az_ai::error::Sent;
use az_ai::scripted::Line;
use az_core::clock::ManualClock;
use az_core::cost::{
    Budget, BudgetKeeper, Charge, CostEntry, CostTracker, Period, Scope, Span, Usage,
};
use az_core::memory::MemoryStore;
use az_core::testing::sample::{at, budget, call_id, task_id};
use az_core::{Clock, ErrorKind, Usd};
use futures_util::StreamExt;

use crate::react::shop::Priced;

/// The most that a call of [`go`] can cost.
const MOST: i64 = 1_100;

fn go() -> ChatRequest {
    ChatRequest::prompt("m", "go").with_max_tokens(100)
}

fn paid(nanos: i64) -> Line {
    Line::text("hello you").with_usage(Usage::tokens(3, 2), Usd::from_nanos(nanos))
}

/// A client, its books and its clock.
struct Shop {
    books: MemoryStore,
    clock: Arc<ManualClock>,
    shop: Priced,
    client: MeteredClient,
}

impl Shop {
    fn with(line: Line) -> Self {
        Self::booking(line, Booking::new(task_id("t"), "run-1:").unwrap())
    }

    fn booking(line: Line, booking: Booking) -> Self {
        let (books, shop) = (MemoryStore::new(), Priced::new([line]));
        let clock = Arc::new(ManualClock::at(at(0)));
        let keeper = Arc::new(books.clone());
        let client = MeteredClient::new(
            Arc::new(shop.clone()),
            keeper,
            Arc::<ManualClock>::clone(&clock),
            booking,
        );
        Self { books, clock, shop, client }
    }

    async fn cap(&self, nanos: i64) {
        let cap = budget(Scope::Global, Period::Daily, nanos);
        self.books.set_budget(&cap, at(0)).await.unwrap();
    }

    async fn entries(&self) -> Vec<CostEntry> {
        self.books.entries(Span::ALL, None).await.unwrap()
    }

    async fn held(&self) -> usize {
        self.books.open_holds().await.unwrap().len()
    }
}

#[tokio::test]
async fn a_reply_is_booked_at_what_it_cost() {
    let shop = Shop::with(paid(700));
    shop.client.chat(&go()).await.unwrap();
    let events: Vec<_> = shop.client.stream(&go()).collect().await;
    assert!(matches!(events.last(), Some(Ok(ChatEvent::Finished(_)))));
    let entry = |call| CostEntry {
        payer: task_id("t").into(),
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
async fn many_at_once_never_spend_more_than_there_is() {
    let shop = Shop::with(Line { delay_millis: 5, ..paid(MOST) });
    shop.cap(10 * MOST + 99).await;
    let request = go();
    let calls = (0..64).map(|n| {
        let (client, request) = (&shop.client, &request);
        async move {
            if n % 2 == 0 {
                return client.chat(request).await.map(drop);
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
    let spent = shop.books.total_cost(Span::ALL).await.unwrap();
    assert_eq!((spent, shop.held().await), (Usd::from_nanos(10 * MOST), 0));
}

#[tokio::test]
async fn what_is_dropped_stays_held_until_it_is_swept_in_full() {
    let shop = Shop::with(paid(7));
    let mut events = shop.client.stream(&go());
    events.next().await.unwrap().unwrap();
    drop(events);
    assert_eq!((shop.entries().await.len(), shop.held().await), (0, 1));

    shop.clock.advance(Duration::from_secs(599));
    assert_eq!(shop.books.sweep(shop.clock.now()).await.unwrap(), 0);
    shop.clock.advance(Duration::from_secs(1));
    assert_eq!(shop.books.sweep(shop.clock.now()).await.unwrap(), 1);
    assert_eq!(shop.books.total_cost(Span::ALL).await.unwrap(), Usd::from_nanos(MOST));

    let silent = Shop::with(Line { delay_millis: 3_600_000, ..paid(7) });
    let call = tokio::time::timeout(Duration::from_millis(10), silent.client.generate("m", "go"));
    assert!(call.await.is_err());
    assert_eq!(silent.held().await, 1);
}

#[tokio::test]
async fn what_breaks_is_booked_in_full_and_what_is_refused_is_free() {
    let broken = Shop::with(Line { cut_after: Some(3), ..paid(7) });
    broken.client.chat(&go()).await.unwrap_err();
    broken.client.stream(&go()).collect::<Vec<_>>().await;
    let costs: Vec<_> =
        broken.entries().await.into_iter().map(|e| (e.charge.cost, e.charge.estimated)).collect();
    assert_eq!(costs, [(Some(Usd::from_nanos(MOST)), true); 2]);

    let refused = Shop::with(Line::error(ErrorKind::Unauthorized, "who are you?"));
    refused.client.chat(&go()).await.unwrap_err();
    refused.client.stream(&go()).collect::<Vec<_>>().await;
    assert_eq!((refused.entries().await, refused.held().await), (Vec::new(), 0));
}

#[tokio::test]
async fn tokens_that_nobody_counted_have_a_price() {
    let shop = Shop::with(Line::text("twelve bytes"));
    shop.client.chat(&go()).await.unwrap();
    let entry = shop.entries().await.remove(0);
    assert_eq!((entry.charge.cost, entry.charge.estimated), (Some(Usd::from_nanos(1_004)), true));
}

#[tokio::test]
async fn an_alert_is_told_once() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    let booking = Booking::new(task_id("t"), "c")
        .unwrap()
        .with_alerts(move |alert| heard.lock().unwrap().push(alert.percent));
    let shop = Shop::booking(paid(500), booking);
    let cap = budget(Scope::Global, Period::Daily, 2_000);
    shop.books.set_budget(&Budget { alerts: vec![50], ..cap }, at(0)).await.unwrap();
    shop.client.chat(&go()).await.unwrap();
    shop.client.chat(&go()).await.unwrap();
    assert_eq!(*told.lock().unwrap(), [50]);
}

#[test]
fn a_prefix_that_makes_no_id_is_refused() {
    assert!(Booking::new(task_id("t"), "a b").is_err());
    assert!(Booking::new(task_id("t"), "x".repeat(120)).is_err());
}
