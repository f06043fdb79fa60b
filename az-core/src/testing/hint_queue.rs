//! The kit of [`HintQueue`](crate::journal::HintQueue), run on a whole [`RunStore`] because an append
//! removes hints, and the end of a task closes its queue.

use super::kit::{Checked, Fixture};
use super::sample::{
    at, call_id, completed, failed, llm_intent, note, run_finished, task, task_id,
};
use super::steps::begin;
use crate::error::Error;
use crate::journal::{EventBody, Hint, NewEvent, RunStore};
use crate::{ensure, ensure_eq, ensure_refused, scenarios};

scenarios! {
    $crate
    /// Runs every scenario of [`HintQueue`](crate::journal::HintQueue)'s contract.
    hint_queue for Fixture<dyn RunStore>, in hint_queue_conformance;

    hints_are_returned_in_the_order_in_which_they_were_sent;
    hints_of_tasks_are_separate;
    a_task_that_does_not_exist_or_has_ended_gets_no_hints;
    an_id_that_the_task_has_had_is_refused;
    recording_a_hint_removes_it;
    a_refused_append_removes_no_hint;
    a_hint_that_was_not_recorded_waits_for_the_next_run;
    deleting_a_task_deletes_its_hints;
    hints_survive_a_restart needs durable;
}

/// The fixture of a scenario.
type Runs<'a> = &'a dyn Fixture<dyn RunStore>;

fn hint(id: &str, text: &str) -> Checked<Hint> {
    Ok(Hint::new(call_id(id), text)?)
}

fn recorded(hint: &Hint) -> NewEvent {
    NewEvent::about(hint.id.clone(), EventBody::Hint { text: hint.text.clone() })
}

/// Checks `HintQueue` 1.
async fn hints_are_returned_in_the_order_in_which_they_were_sent(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.create(&task("t", 0)).await?;
    let hints = [hint("h2", "first")?, hint("h1", "second\nline")?, hint("h3", "日本")?];
    for (minute, hint) in (0..).zip(&hints) {
        // The wall clock may be set back.
        store.send_hint(&task_id("t"), hint, at(9 - minute)).await?;
    }
    ensure_eq!(
        store.hints(&task_id("t")).await?,
        hints,
        "hints were changed or are in another order"
    );
    Ok(())
}

/// Checks `HintQueue` 1.
async fn hints_of_tasks_are_separate(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.create(&task("t", 0)).await?;
    store.create(&task("u", 0)).await?;
    let (one, other) = (hint("h", "for t")?, hint("h", "for u")?);
    store.send_hint(&task_id("t"), &one, at(1)).await?;
    store.send_hint(&task_id("u"), &other, at(1)).await?;
    ensure_eq!(store.hints(&task_id("t")).await?, [one], "the hints of one task");
    ensure_eq!(store.hints(&task_id("u")).await?, [other], "the hints of the other task");
    Ok(())
}

/// Checks `HintQueue` 2.
async fn a_task_that_does_not_exist_or_has_ended_gets_no_hints(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let late = hint("h", "late")?;
    ensure_refused!(
        store.send_hint(&task_id("t"), &late, at(1)).await,
        Error::NotFound { .. },
        "a hint for an unknown task was accepted"
    );
    let lease = begin(&*store, "t").await?;
    store.append(&lease, 0, vec![run_finished(completed("42"))], at(2)).await?;
    ensure_refused!(
        store.send_hint(&task_id("t"), &late, at(3)).await,
        Error::Invalid { .. },
        "a hint for a task that has ended was accepted"
    );
    ensure_eq!(store.hints(&task_id("t")).await?, [], "a refused hint was kept");
    Ok(())
}

/// Checks `HintQueue` 2.
async fn an_id_that_the_task_has_had_is_refused(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    let first = hint("h", "first")?;
    store.send_hint(&lease.task, &first, at(1)).await?;
    let again = hint("h", "again")?;
    ensure_refused!(
        store.send_hint(&lease.task, &again, at(2)).await,
        Error::AlreadyExists { .. },
        "the id of a waiting hint was accepted"
    );
    store.append(&lease, 0, vec![recorded(&first)], at(3)).await?;
    ensure_refused!(
        store.send_hint(&lease.task, &first, at(4)).await,
        Error::AlreadyExists { .. },
        "the id of a recorded hint was accepted"
    );
    ensure_eq!(store.hints(&lease.task).await?, [], "a refused hint was kept");
    Ok(())
}

/// Checks `HintQueue` 3.
async fn recording_a_hint_removes_it(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    let (first, second) = (hint("h1", "first")?, hint("h2", "second")?);
    store.send_hint(&lease.task, &first, at(1)).await?;
    store.send_hint(&lease.task, &second, at(1)).await?;
    store.append(&lease, 0, vec![note("n"), recorded(&first)], at(2)).await?;
    ensure_eq!(
        store.hints(&lease.task).await?,
        [second],
        "another hint than the recorded one was removed"
    );
    Ok(())
}

/// Checks `HintQueue` 3.
async fn a_refused_append_removes_no_hint(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    let sent = hint("h", "text")?;
    store.send_hint(&lease.task, &sent, at(1)).await?;
    let taken = store.append(&lease, 7, vec![recorded(&sent)], at(2)).await;
    ensure_refused!(taken, Error::Conflict { .. }, "an append at a wrong number was accepted");
    let nameless = NewEvent::new(llm_intent("m", None, 65).body);
    let refused = store.append(&lease, 0, vec![recorded(&sent), nameless], at(2)).await;
    ensure!(refused.is_err(), "an intent without a call was accepted");
    ensure_eq!(store.hints(&lease.task).await?, [sent], "a refused append removed a hint");
    Ok(())
}

/// Checks `HintQueue` 4.
async fn a_hint_that_was_not_recorded_waits_for_the_next_run(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    let sent = hint("h", "text")?;
    store.send_hint(&lease.task, &sent, at(1)).await?;
    store.append(&lease, 0, vec![run_finished(failed("no"))], at(2)).await?;
    ensure_eq!(store.hints(&lease.task).await?, [sent], "the end of a task removed a hint");
    Ok(())
}

/// Checks `HintQueue` 4.
async fn deleting_a_task_deletes_its_hints(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.create(&task("t", 0)).await?;
    store.send_hint(&task_id("t"), &hint("h", "text")?, at(1)).await?;
    store.delete(&task_id("t"), at(2)).await?;
    store.create(&task("t", 3)).await?;
    ensure_eq!(store.hints(&task_id("t")).await?, [], "a new task has the hints of a deleted one");
    Ok(())
}

/// Checks `HintQueue` 5.
async fn hints_survive_a_restart(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.create(&task("t", 0)).await?;
    let sent = hint("h", "text")?;
    store.send_hint(&task_id("t"), &sent, at(1)).await?;
    drop(store);
    let store = fixture.open().await;
    ensure_eq!(store.hints(&task_id("t")).await?, [sent], "an acknowledged hint was lost");
    Ok(())
}
