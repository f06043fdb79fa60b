//! Clauses 1, 2, 4, 6 and 8: order, conflicts, duplicates, tails and durability.

use futures_util::future::join_all;
use serde_json::json;

use super::Runs;
use crate::cost::{Period, Scope};
use crate::error::Error;
use crate::journal::{Event, EventBody, ModelReply, NewEvent, RunStore, fold};
use crate::task::Lease;
use crate::testing::kit::Checked;
use crate::testing::sample::{
    at, budget, call_id, completed, copied, llm_intent, llm_result, note, odd_time, paid,
    run_finished, run_started, task_id, tool_intent, tool_result,
};
use crate::testing::steps::begin;
use crate::{ensure, ensure_eq, ensure_refused};

/// Appends notes one by one.
async fn append_notes(store: &dyn RunStore, lease: &Lease, from: u64, texts: &[&str]) -> Checked {
    for (seq, text) in (from..).zip(texts) {
        store.append(lease, seq, vec![note(text)], at(1)).await?;
    }
    Ok(())
}

/// Returns the texts of the recorded notes.
async fn notes(store: &dyn RunStore, task: &str) -> Checked<Vec<String>> {
    let events = store.read(&task_id(task), 0, usize::MAX).await?;
    let text = |event: Event| match event.event.body {
        EventBody::Note { text } => Some(text),
        _ => None,
    };
    Ok(events.into_iter().filter_map(text).collect())
}

/// Returns the events of a short run: a step with an approved tool call, and the answer.
fn short_run() -> Vec<NewEvent> {
    let wants_echo = ModelReply::text("let me see").with_call("echo", json!({ "text": "é" }));
    let asked = EventBody::ApprovalAsked {
        tool: "echo".to_owned(),
        digest: "d".to_owned(),
        reason: "it is loud".to_owned(),
        arguments: json!({ "text": "hi" }),
        deny_at: None,
    };
    let given = EventBody::ApprovalGiven {
        digest: "d".to_owned(),
        granted: true,
        by: "alice".to_owned(),
        tool: None,
        reason: None,
    };
    vec![
        run_started("a"),
        llm_intent("m1", Some(100), 60),
        llm_result("m1", wants_echo, paid(70)),
        NewEvent::about(call_id("t0.0"), asked),
        NewEvent::about(call_id("t0.0"), given),
        tool_intent("t0.0"),
        tool_result("t0.0"),
        copied(note("from another task")),
        note("日本語 \u{1F980} \" \\ \r\n\u{7}"),
        llm_intent("m8", None, 60),
        llm_result("m8", ModelReply::text("42"), paid(0)),
        run_finished(completed("42")),
    ]
}

/// Returns the events as they are expected from the store.
fn as_recorded(lease: &Lease, events: Vec<NewEvent>) -> Vec<Event> {
    let recorded = (0..).zip(events).map(|(seq, event)| Event {
        task: lease.task.clone(),
        seq,
        epoch: lease.epoch,
        at: odd_time(1),
        event,
    });
    recorded.collect()
}

/// Checks `Journal` 1.
pub(super) async fn events_are_returned_as_they_were_appended(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    let events = short_run();
    let appended = store.append(&lease, 0, events.clone(), odd_time(1)).await?;
    ensure_eq!(appended.next_seq, 12, "the next number is wrong");
    let found = store.read(&lease.task, 0, usize::MAX).await?;
    ensure_eq!(found, as_recorded(&lease, events), "events were changed");
    Ok(())
}

/// Checks `Journal` 1.
pub(super) async fn numbers_have_no_gaps(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    let one = store.append(&lease, 0, vec![note("a")], at(1)).await?;
    let more = vec![note("b"), note("c")];
    let three = store.append(&lease, one.next_seq, more, at(2)).await?;
    let none = store.append(&lease, three.next_seq, vec![], at(3)).await?;
    let found = (one.next_seq, three.next_seq, none.next_seq);
    ensure_eq!(found, (1, 3, 3), "the next numbers are wrong");
    let gap = store.append(&lease, 4, vec![note("e")], at(4)).await;
    ensure_refused!(gap, Error::Conflict { .. }, "an append left a gap");
    let events = store.read(&lease.task, 0, 9).await?;
    let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
    ensure_eq!(numbers, [0, 1, 2], "the numbers are wrong");
    Ok(())
}

/// Checks `Journal` 1.
pub(super) async fn reading_respects_its_start_and_limit(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    append_notes(&*store, &lease, 0, &["a", "b", "c", "d"]).await?;
    for (from, limit, expected) in [
        (0, 2, vec![0, 1]),
        (1, 2, vec![1, 2]),
        (3, 9, vec![3]),
        (4, 9, vec![]),
        (u64::MAX, usize::MAX, vec![]),
        (0, 0, vec![]),
    ] {
        let events = store.read(&lease.task, from, limit).await?;
        let numbers: Vec<_> = events.iter().map(|event| event.seq).collect();
        ensure_eq!(numbers, expected, "{limit} events were asked for from {from} on");
    }
    Ok(())
}

/// Checks `Journal` 1.
pub(super) async fn journals_of_tasks_are_separate(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let t = begin(&*store, "t").await?;
    let u = begin(&*store, "u").await?;
    append_notes(&*store, &t, 0, &["t0"]).await?;
    append_notes(&*store, &u, 0, &["u0", "u1"]).await?;
    append_notes(&*store, &t, 1, &["t1"]).await?;
    ensure_eq!(notes(&*store, "t").await?, ["t0", "t1"], "journals of tasks are mixed");
    ensure_eq!(notes(&*store, "u").await?, ["u0", "u1"], "journals of tasks are mixed");
    let unknown = task_id("unknown");
    let nothing = store.read(&unknown, 0, 9).await?;
    ensure_eq!(nothing, [], "an unknown task has a journal");
    ensure_eq!(store.tail(&unknown).await?, [], "an unknown task has a tail");
    Ok(())
}

/// Checks `Journal` 2.
pub(super) async fn a_number_that_is_taken_is_refused(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    append_notes(&*store, &lease, 0, &["first", "second"]).await?;
    for taken in [0, 1] {
        let again = store.append(&lease, taken, vec![note("late")], at(2)).await;
        ensure_refused!(
            again,
            Error::Conflict { .. },
            "an append at the taken number {taken} was accepted"
        );
    }
    ensure_eq!(notes(&*store, "t").await?, ["first", "second"], "a refused event was recorded");
    Ok(())
}

/// Checks `Journal` 2.
pub(super) async fn an_append_is_all_or_nothing(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    append_notes(&*store, &lease, 0, &["first"]).await?;
    store.append(&lease, 1, vec![tool_intent("t0.0")], at(1)).await?;
    let bad_end = vec![note("good"), tool_intent("t0.0")];
    let refused = store.append(&lease, 2, bad_end, at(2)).await;
    ensure!(refused.is_err(), "a second intent of one call was accepted");
    ensure_eq!(notes(&*store, "t").await?, ["first"], "part of a refused append was recorded");
    append_notes(&*store, &lease, 2, &["third"]).await?;
    Ok(())
}

/// Checks `Journal` 2.
pub(super) async fn concurrent_appends_do_not_overwrite_each_other(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    let writers = (0..8).map(|n| {
        let (store, lease) = (std::sync::Arc::clone(&store), lease.clone());
        tokio::spawn(async move {
            let events = vec![note(&format!("{n}a")), note(&format!("{n}b"))];
            store.append(&lease, 0, events, at(1)).await
        })
    });
    let mut taken = 0;
    for appended in join_all(writers).await {
        match appended.map_err(|gone| Error::Internal(gone.to_string()))? {
            Ok(_) => taken += 1,
            Err(Error::Conflict { .. }) => {}
            Err(other) => return Err(other.into()),
        }
    }
    ensure_eq!(taken, 1, "the number of appends that got number 0");
    ensure_eq!(notes(&*store, "t").await?.len(), 2, "the number of events");
    Ok(())
}

/// Checks `Journal` 4.
pub(super) async fn a_second_event_of_a_type_about_a_call_is_refused(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    let pair = vec![tool_intent("t0.0"), tool_result("t0.0")];
    store.append(&lease, 0, pair, at(1)).await?;
    for again in [tool_intent("t0.0"), tool_result("t0.0")] {
        let name = again.body.name();
        let again = store.append(&lease, 2, vec![again], at(2)).await;
        let what = Error::AlreadyExists { what: name, id: "t0.0".to_owned() };
        ensure_refused!(
            again,
            Error::AlreadyExists { .. },
            "a second {what} of one call was accepted"
        );
    }
    let twins = vec![tool_intent("t0.1"), tool_intent("t0.1")];
    let twins = store.append(&lease, 2, twins, at(2)).await;
    ensure_refused!(
        twins,
        Error::AlreadyExists { .. },
        "two intents of one call were accepted in one append"
    );
    // Another call, and events without a call, are allowed.
    let free = vec![tool_intent("t0.1"), note("a"), note("a")];
    store.append(&lease, 2, free, at(2)).await?;
    Ok(())
}

/// Checks `Journal` 4.
pub(super) async fn a_repeated_event_is_refused_whatever_the_budgets_say(
    fixture: Runs<'_>,
) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    store.append(&lease, 0, vec![tool_intent("t0.0")], at(1)).await?;
    store.set_budget(&budget(Scope::Global, Period::Total, 9), at(1)).await?;
    let events = vec![llm_intent("m1", Some(10), 65), tool_intent("t0.0")];
    let refused = store.append(&lease, 1, events, at(2)).await;
    ensure_refused!(
        refused,
        Error::AlreadyExists { .. },
        "a repeated event over a budget was not refused as repeated"
    );
    Ok(())
}

/// Checks `Journal` 6.
pub(super) async fn the_tail_begins_at_the_last_snapshot(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    append_notes(&*store, &lease, 0, &["a", "b"]).await?;
    let all = store.read(&lease.task, 0, 9).await?;
    ensure_eq!(
        store.tail(&lease.task).await?,
        all,
        "a tail without a snapshot is not the whole journal"
    );
    for seq in [2, 4] {
        let before = fold(&store.read(&lease.task, 0, 9).await?)?;
        let snapshot = NewEvent::new(EventBody::Snapshot { history: Box::new(before) });
        store.append(&lease, seq, vec![snapshot], at(2)).await?;
        append_notes(&*store, &lease, seq + 1, &["c"]).await?;
        let expected = store.read(&lease.task, seq, 9).await?;
        let tail = store.tail(&lease.task).await?;
        ensure_eq!(tail, expected, "the tail does not begin at the snapshot {seq}");
    }
    Ok(())
}

/// Checks `Journal` 6.
pub(super) async fn the_tail_and_the_journal_fold_to_the_same_history(
    fixture: Runs<'_>,
) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    let mut seq = 0;
    for event in short_run() {
        seq = store.append(&lease, seq, vec![event], at(1)).await?.next_seq;
        let all = store.read(&lease.task, 0, usize::MAX).await?;
        let history = fold(&all)?;
        ensure_eq!(
            fold(&store.tail(&lease.task).await?)?,
            history,
            "the fold of the tail is wrong"
        );
        if history.outcome.is_none() {
            let snapshot = EventBody::Snapshot { history: Box::new(history) };
            let snapshot = vec![NewEvent::new(snapshot)];
            seq = store.append(&lease, seq, snapshot, at(1)).await?.next_seq;
        }
    }
    Ok(())
}

/// Checks `Journal` 8.
pub(super) async fn events_survive_a_restart(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    let events = short_run();
    store.append(&lease, 0, events.clone(), odd_time(1)).await?;
    drop(store);
    let store = fixture.open().await;
    let found = store.read(&lease.task, 0, usize::MAX).await?;
    ensure_eq!(found, as_recorded(&lease, events), "acknowledged events were lost or changed");
    let task = store.get(&lease.task).await?;
    let answer = task.and_then(|task| task.answer);
    ensure_eq!(answer, Some("42".to_owned()), "the task's end was lost");
    Ok(())
}
