//! Clause 5: the effects of an append.

use super::Runs;
use crate::cost::{Alert, Charge, Period, Scope, Settlement};
use crate::error::Error;
use crate::journal::{EventBody, Hint, ModelOutcome, ModelReply, ModelResult, NewEvent, RunStore};
use crate::money::Usd;
use crate::task::{Task, TaskStatus};
use crate::testing::kit::{Checked, Violation};
use crate::testing::sample::{
    always, at, budget, call_id, cancelled, claim, completed, copied, entry, failed, hold,
    llm_intent, llm_result, note, paid, run_finished, run_started, task_id, tool_intent,
    tool_result,
};
use crate::testing::steps::begin;
use crate::{ensure, ensure_eq, ensure_refused};

async fn task(store: &dyn RunStore, id: &str) -> Checked<Task> {
    let task = store.get(&task_id(id)).await?;
    task.ok_or_else(|| Violation::Broken(format!("the task {id} does not exist")))
}

/// Checks `Journal` 5.
pub(super) async fn an_intent_takes_its_hold(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    let intent = llm_intent("m0", Some(100), 65);
    store.append(&lease, 0, vec![intent], at(5)).await?;
    let open = store.open_holds().await?;
    ensure_eq!(open, [hold("t", "m0", 100, 5)], "the hold of the intent is wrong");
    Ok(())
}

/// Checks `Journal` 5.
pub(super) async fn an_intent_over_budget_is_not_recorded(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    store.set_budget(&budget(Scope::Global, Period::Total, 99), at(0)).await?;
    let events = vec![note("before"), llm_intent("m1", Some(100), 65)];
    ensure_refused!(
        store.append(&lease, 0, events, at(5)).await,
        Error::BudgetExceeded { needed, left, .. }
            if (needed, left) == (Usd::from_nanos(100), Usd::from_nanos(99)),
        "an intent over the budget was not refused with the budget's figures"
    );
    ensure_eq!(store.read(&lease.task, 0, 9).await?, [], "a refused append was recorded");
    ensure_eq!(store.open_holds().await?, [], "a refused append left a hold");
    store.append(&lease, 0, vec![llm_intent("m0", Some(99), 65)], at(5)).await?;
    Ok(())
}

/// Checks `Journal` 5.
pub(super) async fn an_unpriced_intent_is_not_recorded(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    store.set_budget(&budget(Scope::Global, Period::Total, 99), at(0)).await?;
    let unpriced = store.append(&lease, 0, vec![llm_intent("m0", None, 65)], at(5)).await;
    ensure_refused!(
        unpriced,
        Error::Unpriced { .. },
        "an intent of unknown price was accepted under a hard budget"
    );
    ensure_eq!(store.read(&lease.task, 0, 9).await?, [], "a refused append was recorded");
    Ok(())
}

/// Checks `Journal` 5.
pub(super) async fn a_result_settles_its_hold_and_is_charged_to_the_task(
    fixture: Runs<'_>,
) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    store.append(&lease, 0, vec![llm_intent("m0", Some(100), 65)], at(5)).await?;
    let result = llm_result("m0", ModelReply::text("42"), paid(70));
    store.append(&lease, 1, vec![result], at(6)).await?;
    ensure_eq!(store.open_holds().await?, [], "a settled hold is still open");
    let booked = store.entries(always(), None).await?;
    ensure_eq!(booked, [entry("t", "m0", 70, 5)], "the ledger entry of the call is wrong");
    let task = task(&*store, "t").await?;
    let found = (task.cost, task.actual_tokens);
    ensure_eq!(found, (Usd::from_nanos(70), 15), "the call was not charged to its task");
    Ok(())
}

/// Checks `Journal` 5.
pub(super) async fn an_interrupted_call_is_booked_in_full(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    let lost =
        ModelResult { outcome: ModelOutcome::Interrupted, settlement: Settlement::Full, millis: 0 };
    let events = vec![
        llm_intent("m0", Some(100), 65),
        NewEvent::about(call_id("m0"), EventBody::LlmResult(lost)),
    ];
    store.append(&lease, 0, events, at(5)).await?;
    let mut expected = entry("t", "m0", 100, 5);
    expected.charge = Charge::upper_bound(expected.charge.cost);
    let booked = store.entries(always(), None).await?;
    ensure_eq!(booked, [expected], "an interrupted call was not booked in full");
    let cost = task(&*store, "t").await?.cost;
    ensure_eq!(
        cost,
        Usd::from_nanos(100),
        "an interrupted call was not charged to its task in full"
    );
    Ok(())
}

/// Checks `Journal` 5.
pub(super) async fn a_copied_event_has_no_effect(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    store.set_budget(&budget(Scope::Global, Period::Total, 99), at(0)).await?;
    let hint = Hint::new(call_id("h"), "look")?;
    store.send_hint(&lease.task, &hint, at(1)).await?;
    let events = [
        run_started("w"),
        llm_intent("m1", Some(100), 65),
        llm_result("m1", ModelReply::text("42"), paid(70)),
        tool_intent("t0.0"),
        tool_result("t0.0"),
        NewEvent::about(call_id("h"), EventBody::Hint { text: "look".to_owned() }),
        run_finished(completed("42")),
    ];
    let copies = events.map(copied).to_vec();
    store.append(&lease, 0, copies, at(5)).await?;
    ensure_eq!(store.open_holds().await?, [], "a copied intent took a hold");
    ensure_eq!(store.entries(always(), None).await?, [], "a copied result was booked");
    ensure_eq!(store.tool_calls(always()).await?, [], "a copied tool call was counted");
    ensure_eq!(store.hints(&lease.task).await?, [hint], "a copied hint removed one");
    let task = task(&*store, "t").await?;
    let found = (task.status, task.cost, task.actual_tokens);
    ensure_eq!(found, (TaskStatus::Running, Usd::ZERO, 0), "a copied event changed the task");
    // The calls themselves are those of another task.
    store.append(&lease, 7, vec![llm_intent("m1", Some(99), 65)], at(6)).await?;
    Ok(())
}

/// Checks `Journal` 5.
pub(super) async fn a_refused_append_changes_no_money(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    store.set_budget(&budget(Scope::Global, Period::Total, 150), at(0)).await?;
    store.append(&lease, 0, vec![llm_intent("m0", Some(100), 65)], at(5)).await?;
    let before = task(&*store, "t").await?;
    // The result could be booked and the first hold taken, but the second is over the budget.
    let events = vec![
        llm_result("m0", ModelReply::text("hm"), paid(70)),
        llm_intent("m2", Some(20), 65),
        llm_intent("m3", Some(61), 65),
    ];
    let refused = store.append(&lease, 1, events, at(6)).await;
    ensure_refused!(refused, Error::BudgetExceeded { .. }, "an append over a budget was accepted");
    let open = store.open_holds().await?;
    ensure_eq!(open, [hold("t", "m0", 100, 5)], "a refused append changed holds");
    ensure_eq!(store.entries(always(), None).await?, [], "a refused append was booked");
    ensure_eq!(task(&*store, "t").await?, before, "a refused append changed the task");
    Ok(())
}

/// Checks `Journal` 5.
pub(super) async fn an_append_reports_the_alerts_it_crossed(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    let mut watched = budget(Scope::Global, Period::Total, 200);
    watched.alerts = vec![50];
    store.set_budget(&watched, at(0)).await?;
    let intent = store.append(&lease, 0, vec![llm_intent("m0", Some(99), 65)], at(5)).await?;
    ensure_eq!(intent.alerts, [], "an alert was reported before its percentage");
    let intent = store.append(&lease, 1, vec![llm_intent("m1", Some(1), 65)], at(5)).await?;
    let alert = Alert {
        budget: "global total".to_owned(),
        percent: 50,
        used: Usd::from_nanos(100),
        amount: Usd::from_nanos(200),
    };
    ensure_eq!(intent.alerts, [alert], "the intent that crossed the percentage reported no alert");
    let note = store.append(&lease, 2, vec![note("quiet")], at(6)).await?;
    ensure_eq!(note.alerts, [], "an event without a cost reported an alert");
    Ok(())
}

/// Checks `Journal` 5.
pub(super) async fn a_run_that_ends_ends_the_task(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    for (id, outcome) in [
        ("completed", completed("42")),
        ("failed", failed("tired")),
        ("cancelled", cancelled("me")),
    ] {
        let lease = begin(&*store, id).await?;
        let mut expected = task(&*store, id).await?;
        outcome.apply(&mut expected, at(5))?;
        store.append(&lease, 0, vec![run_finished(outcome)], at(5)).await?;
        let ended = task(&*store, id).await?;
        ensure_eq!(ended, expected, "the task's end does not agree with the journal's, {id}");
        ensure_eq!(store.lease(&lease.task).await?, None, "a {id} task still has a lease");
        let late = store.append(&lease, 1, vec![note("late")], at(6)).await;
        ensure_refused!(late, Error::LeaseLost { .. }, "an append to a {id} task was accepted");
        ensure!(ended.status != TaskStatus::Running, "a {id} task is running");
    }
    let next = store.claim(&claim("b", 90, 120)).await?;
    ensure!(next.is_none(), "an ended task was claimed: {next:?}");
    Ok(())
}
