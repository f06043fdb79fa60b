//! Saboteurs of the journal.

use std::time::Duration;

use async_trait::async_trait;
use az_core::clock::{from_micros, later};
use az_core::cost::{BudgetKeeper, CostEntry, CostTracker, Hold, Payer, TimeRange};
use az_core::journal::{
    Appended, Event, EventBody, Journal, NewEvent, ToolCallSummary, ToolOutcome,
};
use az_core::memory::MemoryStore;
use az_core::task::{Claim, Lease, TaskQueue, TaskRepository, WaitAnswer, WaitReply};
use az_core::testing::sample::task_id;
use az_core::{Error, Result, Task, TaskId, TaskStatus, Timestamp, Usd};

async fn len(store: &MemoryStore, task: &TaskId) -> u64 {
    store.read(task, 0, usize::MAX).await.unwrap().len() as u64
}

/// Changes the intents among events.
fn bend_intents(events: &mut [NewEvent], hold: Option<Usd>) {
    for event in events {
        if let EventBody::LlmIntent(intent) = &mut event.body {
            intent.hold = hold;
        }
    }
}

super::support::saboteurs! {
    of journal bending BendRuns;

    /// Breaks `Journal` 1.
    rounding_times => [events_are_returned_as_they_were_appended] {
        async fn read(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            from: u64,
            limit: usize,
        ) -> Result<Vec<Event>> {
            let mut events = store.read(task, from, limit).await?;
            for event in &mut events {
                event.at = from_micros(event.at.as_second() * 1_000_000);
            }
            Ok(events)
        }
    }

    /// Breaks `Journal` 1.
    closing_gaps => [numbers_have_no_gaps] {
        async fn append(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            next_seq: u64,
            events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended> {
            let next_seq = next_seq.min(len(store, &lease.task).await);
            store.append(lease, next_seq, events, now).await
        }
    }

    /// Breaks `Journal` 1.
    reading_one_too_many => [reading_respects_its_start_and_limit] {
        async fn read(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            from: u64,
            limit: usize,
        ) -> Result<Vec<Event>> {
            store.read(task, from, limit.saturating_add(1)).await
        }
    }

    /// Breaks `Journal` 1.
    mixing_records => [journals_of_tasks_are_separate] {
        async fn read(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            from: u64,
            limit: usize,
        ) -> Result<Vec<Event>> {
            let empty = len(store, task).await == 0;
            let other = task_id("t");
            store.read(if empty { &other } else { task }, from, limit).await
        }
    }

    /// Breaks `Journal` 2.
    appending_whatever_is_expected => [
        a_number_that_is_taken_is_refused, concurrent_appends_do_not_overwrite_each_other
    ] {
        async fn append(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            next_seq: u64,
            events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended> {
            let next_seq = next_seq.max(len(store, &lease.task).await);
            store.append(lease, next_seq, events, now).await
        }
    }

    /// Breaks `Journal` 2.
    keeping_what_went_before_a_refusal => [
        an_append_is_all_or_nothing,
        a_second_event_of_a_type_about_a_call_is_refused,
        a_repeated_event_is_refused_whatever_the_budgets_say,
        an_intent_over_budget_is_not_recorded,
        a_refused_append_changes_no_money
    ] {
        async fn append(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            next_seq: u64,
            events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended> {
            let mut all = store.append(lease, next_seq, Vec::new(), now).await?;
            for event in events {
                let one = store.append(lease, all.next_seq, vec![event], now).await?;
                all.next_seq = one.next_seq;
                all.alerts.extend(one.alerts);
            }
            Ok(all)
        }
    }

    /// Breaks `Journal` 2.
    checking_before_acting => [concurrent_appends_do_not_overwrite_each_other] {
        async fn append(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            mut next_seq: u64,
            events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended> {
            if len(store, &lease.task).await == next_seq {
                tokio::task::yield_now().await;
                next_seq = len(store, &lease.task).await;
            }
            store.append(lease, next_seq, events, now).await
        }
    }

    /// Breaks `Journal` 3.
    letting_anybody_append => [an_append_needs_the_current_lease] {
        async fn append(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            next_seq: u64,
            events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended> {
            let current = store.lease(&lease.task).await?;
            let lease = current.as_ref().unwrap_or(lease);
            store.append(lease, next_seq, events, now).await
        }
    }

    /// Breaks `Journal` 3.
    appending_to_what_was_released => [a_released_or_unknown_task_refuses_appends] {
        async fn append(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            next_seq: u64,
            events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended> {
            let task = store.get(&lease.task).await?;
            if task.is_none_or(|task| task.status != TaskStatus::Pending) {
                return store.append(lease, next_seq, events, now).await;
            }
            let claim = Claim::next(lease.owner.clone(), now, now).of(lease.task.clone());
            let claimed = store.claim(&claim).await?.unwrap();
            let appended = store.append(&claimed.lease, next_seq, events, now).await;
            store.release(&claimed.lease, None, now).await?;
            appended
        }
    }

    /// Breaks `Journal` 3.
    throwing_late_work_away => [an_expired_lease_may_append_until_it_is_superseded] {
        async fn append(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            next_seq: u64,
            events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended> {
            let current = store.lease(&lease.task).await?;
            if lease.until <= now && current.as_ref() == Some(lease) {
                return Err(Error::LeaseLost { task: lease.task.clone(), owner: None });
            }
            store.append(lease, next_seq, events, now).await
        }
    }

    /// Breaks `Journal` 4.
    shrugging_at_repetitions => [
        an_append_is_all_or_nothing, a_second_event_of_a_type_about_a_call_is_refused,
        a_repeated_event_is_refused_whatever_the_budgets_say
    ] {
        async fn append(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            next_seq: u64,
            events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended> {
            match store.append(lease, next_seq, events, now).await {
                Err(Error::AlreadyExists { .. }) => Ok(Appended { next_seq, alerts: Vec::new() }),
                other => other,
            }
        }
    }

    /// Breaks `Journal` 5.
    holding_under_another_name => [an_intent_takes_its_hold, a_refused_append_changes_no_money] {
        async fn open_holds(&self, store: &MemoryStore) -> Result<Vec<Hold>> {
            let mut holds = store.open_holds().await?;
            for hold in &mut holds {
                hold.provider = hold.model.clone();
            }
            Ok(holds)
        }
    }

    /// Breaks `Journal` 5.
    recording_what_is_over_budget => [
        an_intent_over_budget_is_not_recorded, a_refused_append_changes_no_money
    ] {
        async fn append(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            next_seq: u64,
            mut events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended> {
            let appended = store.append(lease, next_seq, events.clone(), now).await;
            if matches!(appended, Err(Error::BudgetExceeded { .. })) {
                bend_intents(&mut events, Some(Usd::ZERO));
                store.append(lease, next_seq, events, now).await?;
            }
            appended
        }
    }

    /// Breaks `Journal` 5.
    taking_the_unknown_for_nothing => [an_unpriced_intent_is_not_recorded] {
        async fn append(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            next_seq: u64,
            mut events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended> {
            match store.append(lease, next_seq, events.clone(), now).await {
                Err(Error::Unpriced { .. }) => {
                    bend_intents(&mut events, Some(Usd::ZERO));
                    store.append(lease, next_seq, events, now).await
                }
                other => other,
            }
        }
    }

    /// Breaks `Journal` 5.
    counting_no_tokens => [a_result_settles_its_hold_and_is_charged_to_the_task] {
        async fn get(&self, store: &MemoryStore, id: &TaskId) -> Result<Option<Task>> {
            let task = store.get(id).await?;
            Ok(task.map(|task| Task { actual_tokens: 0, ..task }))
        }
    }

    /// Breaks `Journal` 5.
    passing_guesses_off_as_facts => [an_interrupted_call_is_booked_in_full] {
        async fn entries(
            &self,
            store: &MemoryStore,
            span: TimeRange,
            payer: Option<&Payer>,
        ) -> Result<Vec<CostEntry>> {
            let mut entries = store.entries(span, payer).await?;
            for entry in &mut entries {
                entry.charge.estimated = false;
            }
            Ok(entries)
        }
    }

    /// Breaks `Journal` 5.
    paying_for_what_was_refused => [a_refused_append_changes_no_money] {
        async fn append(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            next_seq: u64,
            events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended> {
            let appended = store.append(lease, next_seq, events.clone(), now).await;
            if appended.is_err() {
                for event in events {
                    if let (Some(call), EventBody::LlmResult(result)) = (event.call, event.body) {
                        store.settle(&Payer::from(&lease.task), &call, &result.settlement).await?;
                    }
                }
            }
            appended
        }
    }

    /// Breaks `Journal` 5.
    booking_copies => [a_copied_event_has_no_effect] {
        async fn append(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            next_seq: u64,
            events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended> {
            for event in &events {
                if let EventBody::Copied { event, .. } = &event.body
                    && let EventBody::LlmIntent(intent) = &event.body
                {
                    let hold = intent.hold_of(&lease.task, event.call_id()?, now);
                    let amount = Some(Usd::from_nanos(1));
                    store.hold(&Hold { amount, ..hold }).await?;
                }
            }
            store.append(lease, next_seq, events, now).await
        }
    }

    /// Breaks `Journal` 5.
    keeping_alerts_secret => [an_append_reports_the_alerts_it_crossed] {
        async fn append(
            &self,
            store: &MemoryStore,
            lease: &Lease,
            next_seq: u64,
            events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended> {
            let appended = store.append(lease, next_seq, events, now).await?;
            Ok(Appended { alerts: Vec::new(), ..appended })
        }
    }

    /// Breaks `Journal` 5.
    losing_the_answer => [a_run_that_ends_ends_the_task] {
        async fn get(&self, store: &MemoryStore, id: &TaskId) -> Result<Option<Task>> {
            let task = store.get(id).await?;
            Ok(task.map(|task| Task { answer: None, ..task }))
        }
    }

    /// Breaks `Journal` 7.
    dropping_the_reason => [an_answer_is_recorded_and_makes_the_task_claimable] {
        async fn answer(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            answer: &WaitAnswer,
            now: Timestamp,
        ) -> Result<Task> {
            let mut answer = answer.clone();
            if let WaitReply::Denied { reason } = &mut answer.reply {
                *reason = None;
            }
            store.answer(task, &answer, now).await
        }
    }

    /// Breaks `Journal` 7.
    taking_any_answer_for_the_right_one => [an_answer_to_another_call_has_no_effect] {
        async fn answer(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            answer: &WaitAnswer,
            now: Timestamp,
        ) -> Result<Task> {
            let waiting = store.get(task).await?.and_then(|task| task.waiting);
            let mut answer = answer.clone();
            if let Some(waiting) = waiting {
                answer = WaitAnswer::new(&waiting, answer.by, answer.reply);
            }
            store.answer(task, &answer, now).await
        }
    }

    /// Breaks `Journal` 7.
    waiting_for_late_answers => [an_answer_after_the_time_ran_out_has_no_effect] {
        async fn answer(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            answer: &WaitAnswer,
            now: Timestamp,
        ) -> Result<Task> {
            let waiting = store.get(task).await?.and_then(|task| task.waiting);
            let is_over = waiting.is_some_and(|waiting| waiting.is_over(now));
            store.answer(task, answer, if is_over { from_micros(0) } else { now }).await
        }
    }

    /// Breaks `Journal` 7.
    calling_unknown_tasks_invalid => [a_task_that_is_not_parked_is_not_answered] {
        async fn answer(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            answer: &WaitAnswer,
            now: Timestamp,
        ) -> Result<Task> {
            store.answer(task, answer, now).await.map_err(|error| match error {
                Error::NotFound { .. } => Error::invalid("answer", "the task does not wait"),
                other => other,
            })
        }
    }

    /// Breaks `Journal` 7.
    accepting_a_second_answer => [
        a_call_is_answered_once, one_of_several_concurrent_answers_is_recorded
    ] {
        async fn answer(
            &self,
            store: &MemoryStore,
            task: &TaskId,
            answer: &WaitAnswer,
            now: Timestamp,
        ) -> Result<Task> {
            let answers = |event: &Event| event.event.key() == NewEvent::from(answer).key();
            let is_answered = store.read(task, 0, usize::MAX).await?.iter().any(answers);
            match store.answer(task, answer, now).await {
                Err(_) if is_answered => Ok(store.get(task).await?.unwrap()),
                answered => answered,
            }
        }
    }

    /// Breaks `Journal` 6.
    returning_more_than_the_tail => [the_tail_begins_at_the_last_snapshot] {
        async fn tail(&self, store: &MemoryStore, task: &TaskId) -> Result<Vec<Event>> {
            store.read(task, 0, usize::MAX).await
        }
    }

    /// Breaks `Journal` 6.
    forgetting_costs_in_snapshots => [the_tail_and_the_journal_fold_to_the_same_history] {
        async fn tail(&self, store: &MemoryStore, task: &TaskId) -> Result<Vec<Event>> {
            let mut tail = store.tail(task).await?;
            for event in &mut tail {
                if let EventBody::Snapshot { history } = &mut event.event.body {
                    history.cost = Usd::ZERO;
                }
            }
            Ok(tail)
        }
    }

    /// Breaks `Journal` 9.
    forgetting_refused_calls => [tool_calls_of_all_tasks_are_summarised] {
        async fn tool_calls(
            &self,
            store: &MemoryStore,
            span: TimeRange,
        ) -> Result<Vec<ToolCallSummary>> {
            let mut calls = store.tool_calls(span).await?;
            calls.retain(|call| call.outcome != ToolOutcome::Refused);
            Ok(calls)
        }
    }

    /// Breaks `Journal` 9.
    including_the_end => [tool_calls_are_those_of_the_time_range] {
        async fn tool_calls(
            &self,
            store: &MemoryStore,
            span: TimeRange,
        ) -> Result<Vec<ToolCallSummary>> {
            let end = later(span.end, Duration::from_micros(1));
            store.tool_calls(TimeRange { end, ..span }).await
        }
    }
}
