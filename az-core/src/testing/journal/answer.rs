//! Clause 7: answers to parked tasks.

use futures_util::future::join_all;

use super::Runs;
use crate::error::Error;
use crate::journal::{Event, NewEvent, RunStore};
use crate::task::{Task, WaitAnswer, WaitKind, WaitReply, Waiting};
use crate::testing::kit::Checked;
use crate::testing::sample::{at, call_id, claim, note, task_id, waiting};
use crate::testing::steps::{begin, claimed, park};
use crate::{ensure, ensure_eq, ensure_refused};

fn granted() -> WaitAnswer {
    WaitAnswer::new(&waiting(), "me", WaitReply::Granted)
}

/// Parks a task after one note.
async fn parked(store: &dyn RunStore, id: &str, wait: &Waiting) -> Checked<Task> {
    let lease = begin(store, id).await?;
    store.append(&lease, 0, vec![note("before")], at(1)).await?;
    Ok(store.park(&lease, wait, at(2)).await?)
}

/// Checks that an answer is refused, and changes nothing.
async fn ensure_without_effect(store: &dyn RunStore, task: &Task, answer: &WaitAnswer) -> Checked {
    let events = store.read(&task.id, 0, 9).await?;
    let answered = store.answer(&task.id, answer, at(3)).await;
    ensure_refused!(answered, Error::Invalid { .. }, "{answer:?} was not refused");
    ensure_eq!(store.read(&task.id, 0, 9).await?, events, "the journal after a refused answer");
    let found = store.get(&task.id).await?;
    ensure_eq!(found.as_ref(), Some(task), "the task after a refused answer");
    Ok(())
}

/// Checks `Journal` 7.
pub(super) async fn an_answer_is_recorded_and_makes_the_task_claimable(
    fixture: Runs<'_>,
) -> Checked {
    let store = fixture.open().await;
    let replies = [
        ("granted", waiting(), WaitReply::Granted),
        ("denied", waiting(), WaitReply::Denied { reason: Some("not today".to_owned()) }),
        ("text", question(), WaitReply::Text { text: "left".to_owned() }),
        ("no-text", question(), WaitReply::Denied { reason: None }),
    ];
    for (id, wait, reply) in replies {
        let before = parked(&*store, id, &wait).await?;
        let answer = WaitAnswer::new(&wait, "me", reply);
        let answered = store.answer(&before.id, &answer, at(3)).await?;
        let expected = Task { waiting: None, updated_at: at(3), ..before };
        ensure_eq!(answered, expected, "the answered task");
        let event = NewEvent::from(&answer);
        let recorded = Event { task: task_id(id), seq: 1, epoch: 1, at: at(3), event };
        ensure_eq!(store.read(&task_id(id), 1, 9).await?, [recorded], "the events after the note");
        let lease = claimed(&*store, &claim("b", 4, 9)).await?.lease;
        ensure_eq!(lease.task, task_id(id), "the task that is claimed after the answer");
        store.append(&lease, 2, vec![note("after")], at(5)).await?;
    }
    Ok(())
}

fn question() -> Waiting {
    Waiting::for_answer(call_id("t0.0"), "person.ask", "d").with_reason("left or right?")
}

/// Checks `Journal` 7.
pub(super) async fn an_answer_to_another_call_has_no_effect(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let task = parked(&*store, "t", &waiting()).await?;
    let other_call = WaitAnswer { call: call_id("t0.1"), ..granted() };
    let other_arguments = WaitAnswer { digest: "e".to_owned(), ..granted() };
    let other_kind = WaitAnswer { kind: WaitKind::Question, ..granted() };
    let text = WaitReply::Text { text: "yes".to_owned() };
    let text = WaitAnswer { reply: text, ..granted() };
    for answer in [other_call, other_arguments, other_kind, text] {
        ensure_without_effect(&*store, &task, &answer).await?;
    }
    Ok(())
}

/// Checks `Journal` 7.
pub(super) async fn an_answer_after_the_time_ran_out_has_no_effect(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let task = parked(&*store, "t", &waiting().with_deny_at(Some(at(3)))).await?;
    ensure_without_effect(&*store, &task, &granted()).await
}

/// Checks `Journal` 7.
pub(super) async fn a_task_that_is_not_parked_is_not_answered(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let lease = begin(&*store, "t").await?;
    let running = store.get(&lease.task).await?;
    let running = running.ok_or_else(|| Error::not_found("task", "t"))?;
    ensure_without_effect(&*store, &running, &granted()).await?;
    let unknown = store.answer(&task_id("unknown"), &granted(), at(3)).await;
    ensure_refused!(unknown, Error::NotFound { .. }, "an unknown task was answered");
    Ok(())
}

/// Checks `Journal` 7.
pub(super) async fn a_call_is_answered_once(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    parked(&*store, "t", &waiting()).await?;
    let answered = store.answer(&task_id("t"), &granted(), at(3)).await?;
    let denied = WaitReply::Denied { reason: None };
    let denied = WaitAnswer { reply: denied, ..granted() };
    ensure_without_effect(&*store, &answered, &denied).await?;
    // Also if the task was parked for the same call again.
    let lease = claimed(&*store, &claim("b", 4, 9)).await?.lease;
    let again = store.park(&lease, &waiting(), at(5)).await?;
    ensure_without_effect(&*store, &again, &denied).await
}

/// Checks `Journal` 7.
pub(super) async fn one_of_several_concurrent_answers_is_recorded(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    park(&*store, "t", &waiting()).await?;
    let (id, answer) = (task_id("t"), granted());
    let answers = join_all((0..8).map(|_| store.answer(&id, &answer, at(3)))).await;
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
    ensure_eq!(accepted, 1, "the number of answers that were accepted");
    let events = store.read(&id, 0, 9).await?;
    ensure!(events.len() == 1, "the events after concurrent answers: {events:?}");
    Ok(())
}
