//! The amounts left that a run reports.
#![expect(clippy::unwrap_used, reason = "a failed test is the right outcome")]

use std::sync::{Arc, Mutex};

use az_core::agent::{Answer, FnAgent};
use az_core::cost::{Budget, BudgetKeeper, Limit, Period, Scope};
use az_core::engine::{Engine, EngineOptions, ExecutionEngine};
use az_core::memory::MemoryStore;
use az_core::task::TaskRepository;
use az_core::testing::sample::{budget, hold, paid, task, task_id, worker};
use az_core::{Clock, Usd};

/// Returns the amount that the run of a task finds left.
async fn left(store: &MemoryStore, id: &str) -> Option<Usd> {
    let found = Arc::new(Mutex::new(None));
    let heard = Arc::clone(&found);
    let agent = FnAgent::new(move |run| {
        let heard = Arc::clone(&heard);
        Box::pin(async move {
            let left = run.budget_left().await?;
            *heard.lock().unwrap() = left;
            Ok(Answer(String::new()))
        })
    });
    let options = EngineOptions::new(worker("w"));
    let engine = Engine::new(Arc::new(store.clone()), Arc::new(agent), options);
    let task = TaskRepository::get(store, &task_id(id)).await.unwrap().unwrap();
    engine.execute(task, None).await.unwrap();
    *found.lock().unwrap()
}

async fn family(store: &MemoryStore) {
    store.create(&task("grandparent", 0)).await.unwrap();
    store.create(&task("parent", 0).with_parent(task_id("grandparent"))).await.unwrap();
    store.create(&task("child", 0).with_parent(task_id("parent"))).await.unwrap();
    store.create(&task("stranger", 0)).await.unwrap();
}

async fn set(store: &MemoryStore, budgets: impl IntoIterator<Item = Budget>) {
    for budget in budgets {
        store.set_budget(&budget, az_core::clock::SystemClock.now()).await.unwrap();
    }
}

#[tokio::test]
async fn the_smallest_amount_left_in_a_hard_budget_is_returned() {
    let store = MemoryStore::new();
    family(&store).await;
    let of = |task| Scope::task(task_id(task));
    set(
        &store,
        [
            budget(Scope::Global, Period::Total, 900),
            budget(of("grandparent"), Period::Total, 700),
            budget(of("stranger"), Period::Total, 5),
            budget(Scope::Model("other".to_owned()), Period::Total, 3),
            Budget { limit: Limit::Soft, ..budget(of("child"), Period::Total, 1) },
        ],
    )
    .await;
    let now = az_core::clock::SystemClock.now();
    let spent = hold("parent", "c1", 300, 0);
    store.hold(&az_core::cost::Hold { at: now, until: now, ..spent.clone() }).await.unwrap();
    store.settle(&spent.payer, &spent.call, &paid(100)).await.unwrap();

    assert_eq!(left(&store, "child").await, Some(Usd::from_nanos(600)));
    assert_eq!(left(&store, "stranger").await, Some(Usd::from_nanos(5)));
}

#[tokio::test]
async fn without_a_hard_budget_there_is_no_amount_left() {
    let store = MemoryStore::new();
    family(&store).await;
    let soft = Budget { limit: Limit::Soft, ..budget(Scope::Global, Period::Daily, 1) };
    set(&store, [soft, budget(Scope::task(task_id("stranger")), Period::Daily, 1)]).await;
    assert_eq!(left(&store, "child").await, None);
}
