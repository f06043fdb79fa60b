//! Saboteurs of the ledger.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use az_core::clock::later;
use az_core::cost::{
    Alert, Budget, BudgetKeeper, BudgetStatus, Calendar, CostEntry, CostSum, CostTracker, Decision,
    Grouping, Hold, Limit, Payer, Period, Reconciliation, Renewal, Scope, Settlement, TimeRange,
    Usage,
};
use az_core::memory::MemoryStore;
use az_core::task::{Lease, TaskQueue, TaskRepository};
use az_core::testing::sample::{always, at, call_id};
use az_core::{CallId, Error, Result, Task, TaskId, Timestamp, Usd};
use jiff::tz::TimeZone;

/// Lists the status of budgets, each changed a little.
async fn budgets(
    store: &MemoryStore,
    now: Timestamp,
    change: impl Fn(&mut BudgetStatus),
) -> Result<Vec<BudgetStatus>> {
    let mut all = store.budgets(now).await?;
    all.iter_mut().for_each(change);
    Ok(all)
}

async fn open_hold(store: &MemoryStore, payer: &Payer, call: &CallId) -> Option<Hold> {
    let open = store.open_holds().await.unwrap();
    open.into_iter().find(|hold| hold.payer == *payer && hold.call == *call)
}

/// Reconciles with another decision.
async fn decide_otherwise(
    store: &MemoryStore,
    decided: &Reconciliation,
    other: impl FnOnce(Decision) -> Decision,
) -> Result<Option<CostEntry>> {
    let mut decided = decided.clone();
    decided.decision = other(decided.decision);
    store.reconcile(&decided).await
}

async fn lease_of(store: &MemoryStore, payer: &Payer) -> Result<Option<Lease>> {
    match payer.task() {
        Some(task) => store.lease(task).await,
        None => Ok(None),
    }
}

/// Takes a hold even if it does not fit into a budget.
async fn force(store: &MemoryStore, hold: &Hold) -> Result<Vec<Alert>> {
    let budgets = store.budgets(hold.at).await?;
    for status in &budgets {
        store.clear_budget(&status.budget.scope, status.budget.period).await?;
    }
    let alerts = store.hold(hold).await;
    for status in &budgets {
        store.set_budget(&status.budget, hold.at).await?;
    }
    alerts
}

fn plus_a_day(at: Timestamp) -> Timestamp {
    later(at, Duration::from_secs(24 * 60 * 60))
}

type Shared<T> = Arc<Mutex<T>>;

super::support::saboteurs! {
    of ledger bending BendRuns;

    /// Breaks `CostTracker` 7.
    forgetting_service_tiers => [entries_are_returned_as_they_were_booked] {
        async fn book(&self, store: &MemoryStore, entry: &CostEntry) -> Result<()> {
            let mut entry = entry.clone();
            entry.charge.usage.service_tier = None;
            store.book(&entry).await
        }
    }

    /// Breaks `CostTracker` 1.
    adding_in_floating_point => [
        totals_are_exact_to_the_nano_dollar, sums_add_up_to_the_total
    ] {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "that is the sabotage"
        )]
        async fn total_in(&self, store: &MemoryStore, span: TimeRange) -> Result<Usd> {
            let exact = store.total_in(span).await?;
            Ok(Usd::from_nanos(exact.nanos() as f64 as i64))
        }
    }

    /// Breaks `CostTracker` 1.
    pricing_the_unknown => [entries_without_a_cost_add_nothing] {
        async fn total_in(&self, store: &MemoryStore, span: TimeRange) -> Result<Usd> {
            let entries = store.entries(span, None).await?;
            let costs = entries.into_iter().map(|e| e.charge.cost.unwrap_or(Usd::from_nanos(1)));
            Ok(costs.sum())
        }
    }

    /// Breaks `CostTracker` 2.
    booking_again => [an_entry_is_booked_once] {
        async fn book(&self, store: &MemoryStore, entry: &CostEntry) -> Result<()> {
            let known = store.entries(always(), Some(&entry.payer)).await?;
            let mut entry = entry.clone();
            if known.iter().any(|known| known.call == entry.call) {
                entry.call = call_id(&format!("{}.{}", entry.call, known.len()));
            }
            store.book(&entry).await
        }
    }

    /// Breaks `CostTracker` 3.
    counting_the_end_of_a_span => [a_range_is_half_open, sums_add_up_to_the_total] {
        async fn total_in(&self, store: &MemoryStore, span: TimeRange) -> Result<Usd> {
            let end = later(span.end, Duration::from_micros(1));
            store.total_in(TimeRange { end, ..span }).await
        }
    }

    /// Breaks `CostTracker` 12.
    keeping_two_calendars => [the_calendar_is_that_of_the_budgets] {
        async fn calendar(&self, store: &MemoryStore) -> Result<Calendar> {
            let zone = TimeZone::fixed(jiff::tz::offset(14));
            let calendar = Calendar::new(zone);
            assert_ne!(calendar, store.calendar().await?);
            Ok(calendar)
        }
    }

    /// Breaks `CostTracker` 4.
    charging_every_task_for_all => [the_totals_of_tasks_add_up_to_the_total] {
        async fn cost_by_payer(&self, store: &MemoryStore, _payer: &Payer) -> Result<Usd> {
            store.total_in(always()).await
        }
    }

    /// Breaks `CostTracker` 1.
    losing_concurrent_entries remembering Arc<AtomicUsize> => [concurrent_entries_add_up] {
        async fn book(&self, store: &MemoryStore, entry: &CostEntry) -> Result<()> {
            let busy = self.0.fetch_add(1, Ordering::SeqCst) > 0;
            tokio::task::yield_now().await;
            let tracked = if busy { Ok(()) } else { store.book(entry).await };
            self.0.fetch_sub(1, Ordering::SeqCst);
            tracked
        }
    }

    /// Breaks `CostTracker` 5.
    shrugging_at_negative_costs => [a_negative_cost_is_refused] {
        async fn book(&self, store: &MemoryStore, entry: &CostEntry) -> Result<()> {
            match store.book(entry).await {
                Err(Error::Invalid { .. }) => Ok(()),
                other => other,
            }
        }
    }

    /// Breaks `CostTracker` 6.
    charging_no_tokens => [
        concurrent_entries_add_up,
        booking_updates_the_task_and_its_budgets,
        a_swept_call_that_completes_is_booked_at_its_cost,
        settling_frees_the_hold_and_books_the_payment
    ] {
        async fn get(&self, store: &MemoryStore, id: &TaskId) -> Result<Option<Task>> {
            let task = store.get(id).await?;
            Ok(task.map(|task| Task { actual_tokens: 0, ..task }))
        }
    }

    /// Breaks `BudgetKeeper` 7.
    charging_no_model => [booking_updates_the_task_and_its_budgets, a_budget_covers_its_model_only] {
        async fn budgets(&self, store: &MemoryStore, now: Timestamp) -> Result<Vec<BudgetStatus>> {
            budgets(store, now, |status| {
                if matches!(status.budget.scope, Scope::Model(_)) {
                    status.spent = Usd::ZERO;
                }
            })
            .await
        }
    }

    /// Breaks `TaskRepository` 4.
    updating_what_is_not_the_callers remembering Shared<Option<Usd>> => [
        an_update_of_the_task_keeps_its_cost
    ] {
        async fn update(&self, store: &MemoryStore, task: &Task, now: Timestamp) -> Result<Task> {
            *self.0.lock().unwrap() = Some(task.cost);
            store.update(task, now).await
        }

        async fn get(&self, store: &MemoryStore, id: &TaskId) -> Result<Option<Task>> {
            let task = store.get(id).await?;
            let cost = *self.0.lock().unwrap();
            Ok(task.map(|task| Task { cost: cost.unwrap_or(task.cost), ..task }))
        }
    }

    /// Breaks `CostTracker` 7.
    listing_by_call => [entries_are_listed_oldest_first] {
        async fn entries(
            &self,
            store: &MemoryStore,
            span: TimeRange,
            payer: Option<&Payer>,
        ) -> Result<Vec<CostEntry>> {
            let mut entries = store.entries(span, payer).await?;
            entries.sort_by(|a, b| a.call.cmp(&b.call));
            Ok(entries)
        }
    }

    /// Breaks `CostTracker` 13.
    finding_every_price_known => [the_payers_with_unknown_costs_are_found] {
        async fn unpriced_payers(&self, _: &MemoryStore, _: &[Payer]) -> Result<Vec<Payer>> {
            Ok(Vec::new())
        }
    }

    /// Breaks `CostTracker` 13.
    finding_every_price_unknown => [the_payers_with_unknown_costs_are_found] {
        async fn unpriced_payers(&self, _: &MemoryStore, payers: &[Payer]) -> Result<Vec<Payer>> {
            Ok(payers.to_vec())
        }
    }

    /// Breaks `CostTracker` 7.
    burying_costs_with_their_task remembering Shared<BTreeSet<TaskId>> => [
        entries_outlive_their_task
    ] {
        async fn delete(&self, store: &MemoryStore, id: &TaskId, now: Timestamp) -> Result<bool> {
            self.0.lock().unwrap().insert(id.clone());
            store.delete(id, now).await
        }

        async fn cost_by_payer(&self, store: &MemoryStore, payer: &Payer) -> Result<Usd> {
            if payer.task().is_some_and(|task| self.0.lock().unwrap().contains(task)) {
                return Ok(Usd::ZERO);
            }
            store.cost_by_payer(payer).await
        }
    }

    /// Breaks `CostTracker` 8.
    summing_all_of_time => [sums_add_up_to_the_total] {
        async fn sums(
            &self,
            store: &MemoryStore,
            _span: TimeRange,
            by: &Grouping,
        ) -> Result<Vec<CostSum>> {
            store.sums(always(), by).await
        }
    }

    /// Breaks `CostTracker` 9.
    passing_over_what_is_not_known => [a_sum_counts_calls_tokens_unknown_costs_and_estimates] {
        async fn sums(
            &self,
            store: &MemoryStore,
            span: TimeRange,
            by: &Grouping,
        ) -> Result<Vec<CostSum>> {
            let mut sums = store.sums(span, by).await?;
            sums.iter_mut().for_each(|sum| sum.unpriced = 0);
            Ok(sums)
        }
    }

    /// Breaks `CostTracker` 10.
    sorting_sums_by_key => [the_highest_sum_comes_first, sums_group_by_payer] {
        async fn sums(
            &self,
            store: &MemoryStore,
            span: TimeRange,
            by: &Grouping,
        ) -> Result<Vec<CostSum>> {
            let mut sums = store.sums(span, by).await?;
            sums.sort_by(|a, b| a.key.cmp(&b.key));
            Ok(sums)
        }
    }

    /// Breaks `CostTracker` 11.
    living_in_greenwich => [days_are_those_of_the_calendar] {
        async fn sums(
            &self,
            store: &MemoryStore,
            span: TimeRange,
            by: &Grouping,
        ) -> Result<Vec<CostSum>> {
            let by = match by {
                Grouping::Day(_) => &Grouping::Day(Calendar::default()),
                other => other,
            };
            store.sums(span, by).await
        }
    }

    /// Breaks `BudgetKeeper` 13.
    passing_uncertain_amounts_off_as_certain => [
        uncertain_amounts_count_as_spent_and_are_stated
    ] {
        async fn budgets(&self, store: &MemoryStore, now: Timestamp) -> Result<Vec<BudgetStatus>> {
            budgets(store, now, |status| status.uncertain = Usd::ZERO).await
        }
    }

    /// Breaks `CostTracker` 9.
    summing_up_no_uncertain_amounts => [a_sum_counts_calls_tokens_unknown_costs_and_estimates] {
        async fn sums(
            &self,
            store: &MemoryStore,
            span: TimeRange,
            by: &Grouping,
        ) -> Result<Vec<CostSum>> {
            let mut sums = store.sums(span, by).await?;
            sums.iter_mut().for_each(|sum| sum.uncertain = Usd::ZERO);
            Ok(sums)
        }
    }

    /// Breaks `CostTracker` 9.
    taking_unknown_savings_for_none => [a_sum_counts_calls_tokens_unknown_costs_and_estimates] {
        async fn sums(
            &self,
            store: &MemoryStore,
            span: TimeRange,
            by: &Grouping,
        ) -> Result<Vec<CostSum>> {
            let mut sums = store.sums(span, by).await?;
            sums.iter_mut().for_each(|sum| sum.unknown_savings = 0);
            Ok(sums)
        }
    }

    /// Breaks `CostTracker` 15.
    confirming_what_was_released => [
        a_released_entry_costs_nothing, an_alert_that_a_release_puts_out_of_reach_is_reported_again
    ] {
        async fn reconcile(
            &self,
            store: &MemoryStore,
            decided: &Reconciliation,
        ) -> Result<Option<CostEntry>> {
            decide_otherwise(store, decided, |decision| match decision {
                Decision::Released => Decision::Confirmed(None),
                confirmed @ Decision::Confirmed(_) => confirmed,
            })
            .await
        }
    }

    /// Breaks `CostTracker` 15.
    ignoring_the_confirmed_amount => [a_confirmed_entry_keeps_its_cost_or_gets_another] {
        async fn reconcile(
            &self,
            store: &MemoryStore,
            decided: &Reconciliation,
        ) -> Result<Option<CostEntry>> {
            decide_otherwise(store, decided, |decision| match decision {
                Decision::Confirmed(Some(amount)) if !amount.is_negative() => {
                    Decision::Confirmed(None)
                }
                other => other,
            })
            .await
        }
    }

    /// Breaks `CostTracker` 16.
    deciding_again => [a_certain_entry_is_not_reconciled] {
        async fn reconcile(
            &self,
            store: &MemoryStore,
            decided: &Reconciliation,
        ) -> Result<Option<CostEntry>> {
            let after = store.reconcile(decided).await?;
            let known = store.entries(always(), Some(&decided.payer)).await?;
            Ok(after.or_else(|| known.into_iter().find(|entry| entry.call == decided.call)))
        }
    }

    /// Breaks `CostTracker` 17.
    listing_certain_entries_as_uncertain => [
        a_confirmed_entry_keeps_its_cost_or_gets_another, uncertain_entries_are_listed_oldest_first
    ] {
        async fn uncertain(
            &self,
            store: &MemoryStore,
            span: TimeRange,
            payer: Option<&Payer>,
        ) -> Result<Vec<CostEntry>> {
            store.entries(span, payer).await
        }
    }

    /// Breaks `CostTracker` 15.
    keeping_quiet_after_a_release remembering Shared<bool> => [
        an_alert_that_a_release_puts_out_of_reach_is_reported_again
    ] {
        async fn reconcile(
            &self,
            store: &MemoryStore,
            decided: &Reconciliation,
        ) -> Result<Option<CostEntry>> {
            *self.0.lock().unwrap() = true;
            store.reconcile(decided).await
        }

        async fn hold(&self, store: &MemoryStore, hold: &Hold) -> Result<Vec<Alert>> {
            let alerts = store.hold(hold).await?;
            Ok(if *self.0.lock().unwrap() { Vec::new() } else { alerts })
        }
    }

    /// The hold is taken in the global budget first, and never freed there.
    /// Breaks `BudgetKeeper` 1.
    holding_what_was_refused remembering Shared<Usd> => [a_hold_is_taken_in_every_budget_or_in_none] {
        async fn hold(&self, store: &MemoryStore, hold: &Hold) -> Result<Vec<Alert>> {
            let held = store.hold(hold).await;
            if let Err(Error::BudgetExceeded { budget, needed, .. }) = &held
                && budget.starts_with("task")
            {
                *self.0.lock().unwrap() = *needed;
            }
            held
        }

        async fn budgets(&self, store: &MemoryStore, now: Timestamp) -> Result<Vec<BudgetStatus>> {
            let more = *self.0.lock().unwrap();
            budgets(store, now, |status| {
                if status.budget.scope == Scope::Global {
                    status.held = status.held.plus(more);
                }
            })
            .await
        }
    }

    /// Breaks `BudgetKeeper` 2.
    keeping_a_nano_dollar_back => [a_hold_that_fits_exactly_is_taken] {
        async fn hold(&self, store: &MemoryStore, hold: &Hold) -> Result<Vec<Alert>> {
            for status in store.budgets(hold.at).await? {
                let left = status.left();
                if status.budget.limit == Limit::Hard && Some(left) == hold.amount {
                    return Err(status.exceeded(left));
                }
            }
            store.hold(hold).await
        }
    }

    /// Breaks `BudgetKeeper` 1.
    saying_that_all_is_left => [
        uncertain_amounts_count_as_spent_and_are_stated,
        a_refusal_has_the_budget_and_its_figures, a_refusal_of_a_part_names_the_budget_of_the_whole
    ] {
        async fn hold(&self, store: &MemoryStore, hold: &Hold) -> Result<Vec<Alert>> {
            store.hold(hold).await.map_err(|mut error| {
                if let Error::BudgetExceeded { left, amount, .. } = &mut error {
                    *left = *amount;
                }
                error
            })
        }
    }

    /// Breaks `BudgetKeeper` 1.
    not_counting_soft_budgets => [a_soft_budget_counts_and_never_refuses] {
        async fn budgets(&self, store: &MemoryStore, now: Timestamp) -> Result<Vec<BudgetStatus>> {
            budgets(store, now, |status| {
                if status.budget.limit == Limit::Soft {
                    status.held = Usd::ZERO;
                }
            })
            .await
        }
    }

    /// Breaks `BudgetKeeper` 2.
    checking_before_acting => [
        concurrent_holds_never_exceed_a_budget,
        concurrent_holds_of_several_handles_never_exceed_a_budget
    ] {
        async fn hold(&self, store: &MemoryStore, hold: &Hold) -> Result<Vec<Alert>> {
            let all = store.budgets(hold.at).await?;
            let fits = all.iter().all(|status| hold.amount <= Some(status.left()));
            tokio::task::yield_now().await;
            match store.hold(hold).await {
                Err(Error::BudgetExceeded { .. }) if fits => force(store, hold).await,
                other => other,
            }
        }
    }

    /// Breaks `BudgetKeeper` 3.
    taking_the_unknown_for_nothing => [an_unpriced_call_is_refused_only_by_a_hard_budget] {
        async fn hold(&self, store: &MemoryStore, hold: &Hold) -> Result<Vec<Alert>> {
            match store.hold(hold).await {
                Err(Error::Unpriced { .. }) => {
                    store.hold(&Hold { amount: Some(Usd::ZERO), ..hold.clone() }).await
                }
                other => other,
            }
        }
    }

    /// Breaks `BudgetKeeper` 3.
    refusing_the_unknown_everywhere => [an_unpriced_call_is_refused_only_by_a_hard_budget] {
        async fn hold(&self, store: &MemoryStore, hold: &Hold) -> Result<Vec<Alert>> {
            if hold.amount.is_none() {
                return Err(Error::Unpriced {
                    budget: "task t total".to_owned(),
                    scope: Scope::Payer(hold.payer.clone()),
                    period: Period::Total,
                    model: hold.model.clone(),
                });
            }
            store.hold(hold).await
        }
    }

    /// Breaks `BudgetKeeper` 4.
    forgetting_what_was_used => [
        a_swept_call_that_completes_is_booked_at_its_cost,
        settling_frees_the_hold_and_books_the_payment,
        a_payment_without_a_price_is_booked_at_its_hold,
        a_key_has_holds_entries_and_a_budget
    ] {
        async fn settle(
            &self,
            store: &MemoryStore,
            payer: &Payer,
            call: &CallId,
            settlement: &Settlement,
        ) -> Result<Vec<Alert>> {
            let mut settlement = settlement.clone();
            if let Settlement::Paid(charge) = &mut settlement {
                charge.usage = Usage::default();
            }
            store.settle(payer, call, &settlement).await
        }
    }

    /// Breaks `BudgetKeeper` 4.
    booking_a_day_late => [
        uncertain_amounts_count_as_spent_and_are_stated,
        settling_frees_the_hold_and_books_the_payment,
        settling_books_in_the_period_of_the_hold,
        a_payment_without_a_price_is_booked_at_its_hold,
        settling_reports_the_alerts_it_crosses,
        a_key_has_holds_entries_and_a_budget
    ] {
        async fn settle(
            &self,
            store: &MemoryStore,
            payer: &Payer,
            call: &CallId,
            settlement: &Settlement,
        ) -> Result<Vec<Alert>> {
            let (Some(hold), Settlement::Paid(charge)) =
                (open_hold(store, payer, call).await, settlement)
            else {
                return store.settle(payer, call, settlement).await;
            };
            let entry = CostEntry {
                payer: hold.payer,
                call: hold.call,
                provider: hold.provider,
                model: hold.model,
                charge: charge.clone(),
                at: plus_a_day(hold.at),
            };
            store.book(&entry).await?;
            store.settle(payer, call, &Settlement::Nothing).await
        }
    }

    /// Breaks `BudgetKeeper` 4.
    settling_again remembering Shared<BTreeSet<CallId>> => [settling_twice_changes_nothing] {
        async fn settle(
            &self,
            store: &MemoryStore,
            payer: &Payer,
            call: &CallId,
            settlement: &Settlement,
        ) -> Result<Vec<Alert>> {
            let known = open_hold(store, payer, call).await.is_some();
            if known {
                self.0.lock().unwrap().insert(call.clone());
            }
            let again = !known && self.0.lock().unwrap().contains(call);
            if again && let Settlement::Paid(_) = settlement {
                let mut entry = store.entries(always(), Some(payer)).await?.remove(0);
                entry.call = call_id("again");
                store.book(&entry).await?;
            }
            store.settle(payer, call, settlement).await
        }
    }

    /// Breaks `BudgetKeeper` 14.
    ignoring_what_became_known => [a_swept_call_that_completes_is_booked_at_its_cost] {
        async fn settle(
            &self,
            store: &MemoryStore,
            payer: &Payer,
            call: &CallId,
            settlement: &Settlement,
        ) -> Result<Vec<Alert>> {
            match open_hold(store, payer, call).await {
                Some(_) => store.settle(payer, call, settlement).await,
                None => Ok(Vec::new()),
            }
        }
    }

    /// Breaks `BudgetKeeper` 4.
    booking_what_was_never_held => [settling_an_unknown_hold_changes_nothing] {
        async fn settle(
            &self,
            store: &MemoryStore,
            payer: &Payer,
            call: &CallId,
            settlement: &Settlement,
        ) -> Result<Vec<Alert>> {
            let open = store.open_holds().await?;
            if open_hold(store, payer, call).await.is_none()
                && let [other] = open.as_slice()
                && store.entries(always(), None).await?.is_empty()
            {
                store.settle(&other.payer, &other.call, settlement).await?;
            }
            store.settle(payer, call, settlement).await
        }
    }

    /// Breaks `BudgetKeeper` 4.
    passing_guesses_off_as_facts => [
        uncertain_amounts_count_as_spent_and_are_stated,
        a_released_entry_costs_nothing,
        a_confirmed_entry_keeps_its_cost_or_gets_another,
        a_certain_entry_is_not_reconciled,
        an_alert_that_a_release_puts_out_of_reach_is_reported_again,
        a_lost_call_is_booked_in_full
    ] {
        async fn settle(
            &self,
            store: &MemoryStore,
            payer: &Payer,
            call: &CallId,
            settlement: &Settlement,
        ) -> Result<Vec<Alert>> {
            match (open_hold(store, payer, call).await, settlement) {
                (Some(hold), Settlement::Full) => {
                    let (cost, usage) = (hold.amount, Usage::default());
                    store.settle(payer, call, &Settlement::paid(cost, usage)).await
                }
                _ => store.settle(payer, call, settlement).await,
            }
        }
    }

    /// Breaks `BudgetKeeper` 4.
    giving_away_what_has_no_price => [a_payment_without_a_price_is_booked_at_its_hold] {
        async fn settle(
            &self,
            store: &MemoryStore,
            payer: &Payer,
            call: &CallId,
            settlement: &Settlement,
        ) -> Result<Vec<Alert>> {
            match (open_hold(store, payer, call).await, settlement) {
                (Some(_), Settlement::Paid(charge)) if charge.cost.is_none() => {
                    let free = Settlement::paid(Some(Usd::ZERO), charge.usage.clone());
                    store.settle(payer, call, &free).await
                }
                _ => store.settle(payer, call, settlement).await,
            }
        }
    }

    /// Breaks `BudgetKeeper` 4.
    booking_what_was_never_sent => [
        a_swept_call_that_completes_is_booked_at_its_cost,
        a_call_that_was_not_made_costs_nothing,
        an_alert_is_reported_once_per_period
    ] {
        async fn settle(
            &self,
            store: &MemoryStore,
            payer: &Payer,
            call: &CallId,
            settlement: &Settlement,
        ) -> Result<Vec<Alert>> {
            match settlement {
                Settlement::Nothing => store.settle(payer, call, &Settlement::Full).await,
                _ => store.settle(payer, call, settlement).await,
            }
        }
    }

    /// Breaks `BudgetKeeper` 5.
    freeing_by_forgetting => [
        a_swept_call_that_completes_is_booked_at_its_cost,
        expired_holds_are_booked_in_full,
        an_alert_crossed_by_a_sweep_is_reported_next
    ] {
        async fn sweep(&self, store: &MemoryStore, now: Timestamp) -> Result<usize> {
            let mut freed = 0;
            for hold in store.open_holds().await? {
                let lease = lease_of(store, &hold.payer).await?;
                if hold.until <= now && lease.is_none_or(|lease| lease.until <= now) {
                    store.settle(&hold.payer, &hold.call, &Settlement::Nothing).await?;
                    freed += 1;
                }
            }
            Ok(freed)
        }
    }

    /// Breaks `BudgetKeeper` 6.
    sweeping_in_silence => [an_alert_crossed_by_a_sweep_is_reported_next] {
        async fn sweep(&self, store: &MemoryStore, now: Timestamp) -> Result<usize> {
            let mut swept = 0;
            for hold in store.open_holds().await?.into_iter().filter(|hold| hold.until <= now) {
                let lease = lease_of(store, &hold.payer).await?;
                if lease.is_none_or(|lease| lease.until <= now) {
                    // The alerts of this settlement are lost.
                    store.settle(&hold.payer, &hold.call, &Settlement::Full).await?;
                    swept += 1;
                }
            }
            Ok(swept)
        }
    }

    /// Breaks `BudgetKeeper` 5.
    sweeping_the_living => [
        a_hold_under_a_valid_lease_is_not_swept, an_alert_crossed_by_a_sweep_is_reported_next
    ] {
        async fn sweep(&self, store: &MemoryStore, now: Timestamp) -> Result<usize> {
            let mut swept = 0;
            for hold in store.open_holds().await?.into_iter().filter(|hold| hold.until <= now) {
                store.settle(&hold.payer, &hold.call, &Settlement::Full).await?;
                swept += 1;
            }
            Ok(swept)
        }
    }

    /// Breaks `BudgetKeeper` 6.
    repeating_alerts remembering Shared<Vec<Alert>> => [
        an_alert_is_reported_once_per_period, a_raised_budget_reports_its_alerts_again
    ] {
        async fn hold(&self, store: &MemoryStore, hold: &Hold) -> Result<Vec<Alert>> {
            let alerts = store.hold(hold).await?;
            let mut last = self.0.lock().unwrap();
            if !alerts.is_empty() {
                *last = alerts;
            }
            Ok(last.clone())
        }
    }

    /// Breaks `BudgetKeeper` 6.
    alerting_once_for_good remembering Shared<BTreeSet<(String, u8)>> => [
        an_alert_that_a_release_puts_out_of_reach_is_reported_again,
        an_alert_is_reported_again_in_the_next_period, a_raised_budget_reports_its_alerts_again
    ] {
        async fn hold(&self, store: &MemoryStore, hold: &Hold) -> Result<Vec<Alert>> {
            let mut alerts = store.hold(hold).await?;
            let mut said = self.0.lock().unwrap();
            alerts.retain(|alert| said.insert((alert.budget.clone(), alert.percent)));
            Ok(alerts)
        }
    }

    /// Breaks `BudgetKeeper` 6.
    alerting_one_at_a_time => [
        an_alert_that_a_release_puts_out_of_reach_is_reported_again,
        one_call_reports_every_alert_it_crosses, a_raised_budget_reports_its_alerts_again
    ] {
        async fn hold(&self, store: &MemoryStore, hold: &Hold) -> Result<Vec<Alert>> {
            let mut alerts = store.hold(hold).await?;
            alerts.truncate(1);
            Ok(alerts)
        }
    }

    /// Also if the budget has changed since.
    /// Breaks `BudgetKeeper` 6.
    alerting_once_per_day remembering Shared<BTreeSet<(Timestamp, u8)>> => [
        an_alert_that_a_release_puts_out_of_reach_is_reported_again,
        a_raised_budget_reports_its_alerts_again
    ] {
        async fn hold(&self, store: &MemoryStore, hold: &Hold) -> Result<Vec<Alert>> {
            let mut alerts = store.hold(hold).await?;
            let day = Calendar::default().span(Period::Daily, hold.at).start;
            let mut said = self.0.lock().unwrap();
            alerts.retain(|alert| said.insert((day, alert.percent)));
            Ok(alerts)
        }
    }

    /// Breaks `BudgetKeeper` 6.
    settling_in_silence => [settling_reports_the_alerts_it_crosses] {
        async fn settle(
            &self,
            store: &MemoryStore,
            payer: &Payer,
            call: &CallId,
            settlement: &Settlement,
        ) -> Result<Vec<Alert>> {
            store.settle(payer, call, settlement).await?;
            Ok(Vec::new())
        }
    }

    /// Breaks `BudgetKeeper` 7.
    sorting_alerts => [budgets_are_returned_as_they_were_set] {
        async fn budgets(&self, store: &MemoryStore, now: Timestamp) -> Result<Vec<BudgetStatus>> {
            budgets(store, now, |status| status.budget.alerts.sort_unstable()).await
        }
    }

    /// Breaks `BudgetKeeper` 4.
    finding_the_open_hold_first => [a_negative_hold_is_refused] {
        async fn hold(&self, store: &MemoryStore, hold: &Hold) -> Result<Vec<Alert>> {
            match open_hold(store, &hold.payer, &hold.call).await {
                Some(open) if open != *hold => {
                    Err(Error::AlreadyExists { what: "hold", id: hold.call.to_string() })
                }
                _ => store.hold(hold).await,
            }
        }
    }

    /// Breaks `BudgetKeeper` 4.
    listing_holds_by_the_names_of_payers => [open_holds_are_listed_by_payer_and_call] {
        async fn open_holds(&self, store: &MemoryStore) -> Result<Vec<Hold>> {
            let mut open = store.open_holds().await?;
            open.sort_by_key(|hold| hold.payer.to_string());
            Ok(open)
        }
    }

    /// Breaks `BudgetKeeper` 7.
    shrugging_at_senseless_figures => [invalid_budgets_are_refused] {
        async fn set_budget(
            &self,
            store: &MemoryStore,
            budget: &Budget,
            now: Timestamp,
        ) -> Result<()> {
            match store.set_budget(budget, now).await {
                Err(Error::Invalid { .. }) => Ok(()),
                other => other,
            }
        }
    }

    /// Breaks `BudgetKeeper` 7.
    beginning_anew_when_set_again remembering Shared<Usd> => [
        a_budget_set_again_keeps_its_spent_amount
    ] {
        async fn set_budget(
            &self,
            store: &MemoryStore,
            budget: &Budget,
            now: Timestamp,
        ) -> Result<()> {
            let all = store.budgets(now).await?;
            let same = |s: &&BudgetStatus| {
                s.budget.scope == budget.scope && s.budget.period == budget.period
            };
            if let Some(before) = all.iter().find(same) {
                *self.0.lock().unwrap() = before.spent;
            }
            store.set_budget(budget, now).await
        }

        async fn budgets(&self, store: &MemoryStore, now: Timestamp) -> Result<Vec<BudgetStatus>> {
            let forgotten = *self.0.lock().unwrap();
            budgets(store, now, |status| status.spent = status.spent.minus(forgotten)).await
        }
    }

    /// Breaks `BudgetKeeper` 7.
    beginning_when_set_first remembering Shared<Usd> => [
        a_budget_counts_spending_from_before_it_was_set
    ] {
        async fn set_budget(
            &self,
            store: &MemoryStore,
            budget: &Budget,
            now: Timestamp,
        ) -> Result<()> {
            store.set_budget(budget, now).await?;
            if budget.period == Period::Monthly && now > at(0) {
                let all = store.budgets(now).await?;
                *self.0.lock().unwrap() = all.iter().map(|status| status.spent).sum();
            }
            Ok(())
        }

        async fn budgets(&self, store: &MemoryStore, now: Timestamp) -> Result<Vec<BudgetStatus>> {
            let before = *self.0.lock().unwrap();
            budgets(store, now, |status| status.spent = status.spent.minus(before)).await
        }
    }

    /// Breaks `BudgetKeeper` 7.
    clearing_too_much => [a_cleared_budget_refuses_nothing] {
        async fn clear_budget(
            &self,
            store: &MemoryStore,
            scope: &Scope,
            _period: Period,
        ) -> Result<bool> {
            let mut cleared = false;
            for period in Period::ALL {
                cleared |= store.clear_budget(scope, *period).await?;
            }
            Ok(cleared)
        }
    }

    /// Breaks `BudgetKeeper` 7.
    beginning_weeks_on_sunday => [budgets_count_by_the_calendar] {
        async fn budgets(&self, store: &MemoryStore, now: Timestamp) -> Result<Vec<BudgetStatus>> {
            let mut all = store.budgets(now).await?;
            for status in &mut all {
                if status.budget.period == Period::Weekly {
                    let day = Duration::from_secs(24 * 60 * 60);
                    let start = status.span.start - day;
                    let end = status.span.end - day;
                    status.spent = store.total_in(TimeRange { start, end }).await?;
                }
            }
            Ok(all)
        }
    }

    /// Breaks `BudgetKeeper` 7.
    charging_models_for_each_other => [a_budget_covers_its_model_only] {
        async fn budgets(&self, store: &MemoryStore, now: Timestamp) -> Result<Vec<BudgetStatus>> {
            let total = store.total_in(always()).await?;
            budgets(store, now, |status| {
                if matches!(status.budget.scope, Scope::Model(_)) {
                    status.spent = total;
                }
            })
            .await
        }
    }

    /// Breaks `BudgetKeeper` 8.
    disowning_parts => [
        a_tasks_budget_covers_its_parts,
        a_refusal_of_a_part_names_the_budget_of_the_whole,
        deleting_a_part_frees_nothing,
        a_task_that_is_not_a_part_can_have_a_registered_parent,
        the_parent_of_a_part_is_not_changed
    ] {
        async fn create(&self, store: &MemoryStore, task: &Task) -> Result<Task> {
            store.create(&Task { parent_task_id: None, ..task.clone() }).await
        }
    }

    /// Breaks `BudgetKeeper` 8.
    refusing_in_the_name_of_the_part => [a_refusal_of_a_part_names_the_budget_of_the_whole] {
        async fn hold(&self, store: &MemoryStore, hold: &Hold) -> Result<Vec<Alert>> {
            store.hold(hold).await.map_err(|mut error| {
                if let Error::BudgetExceeded { scope: Scope::Payer(payer), .. } = &mut error {
                    payer.clone_from(&hold.payer);
                }
                error
            })
        }
    }

    /// Breaks `BudgetKeeper` 8.
    inheriting_from_the_dead remembering Shared<Usd> => [deleting_a_part_frees_nothing] {
        async fn delete(&self, store: &MemoryStore, id: &TaskId, now: Timestamp) -> Result<bool> {
            let spent = store.cost_by_task(id).await?;
            let before = *self.0.lock().unwrap();
            *self.0.lock().unwrap() = before.plus(spent);
            store.delete(id, now).await
        }

        async fn budgets(&self, store: &MemoryStore, now: Timestamp) -> Result<Vec<BudgetStatus>> {
            let freed = *self.0.lock().unwrap();
            budgets(store, now, |status| status.spent = status.spent.minus(freed)).await
        }
    }

    /// Breaks `CostTracker` 6.
    charging_tasks_only => [a_key_has_holds_entries_and_a_budget] {
        async fn cost_by_payer(&self, store: &MemoryStore, payer: &Payer) -> Result<Usd> {
            match payer {
                Payer::Task(_) => store.cost_by_payer(payer).await,
                _ => Ok(Usd::ZERO),
            }
        }
    }

    /// Breaks `BudgetKeeper` 9.
    forgetting_registered_parents => [
        a_payers_budget_covers_its_descendants,
        a_parent_that_makes_a_cycle_is_refused,
        a_payers_spending_follows_it_to_another_parent,
        a_task_that_is_not_a_part_can_have_a_registered_parent,
        the_parent_of_a_part_is_not_changed
    ] {
        async fn set_parent(
            &self,
            _store: &MemoryStore,
            _payer: &Payer,
            _parent: Option<&Payer>,
        ) -> Result<()> {
            Ok(())
        }
    }

    /// Breaks `BudgetKeeper` 9.
    never_removing_a_parent => [
        a_payers_spending_follows_it_to_another_parent, the_parent_of_a_part_is_not_changed
    ] {
        async fn set_parent(
            &self,
            store: &MemoryStore,
            payer: &Payer,
            parent: Option<&Payer>,
        ) -> Result<()> {
            match parent {
                Some(_) => store.set_parent(payer, parent).await,
                None => Ok(()),
            }
        }
    }

    /// Breaks `BudgetKeeper` 9.
    accepting_cycles => [a_parent_that_makes_a_cycle_is_refused] {
        async fn set_parent(
            &self,
            store: &MemoryStore,
            payer: &Payer,
            parent: Option<&Payer>,
        ) -> Result<()> {
            match store.set_parent(payer, parent).await {
                Err(Error::Invalid { .. }) if payer.task().is_none() => Ok(()),
                other => other,
            }
        }
    }

    /// Breaks `BudgetKeeper` 9.
    adopting_parts => [the_parent_of_a_part_is_not_changed] {
        async fn set_parent(
            &self,
            store: &MemoryStore,
            payer: &Payer,
            parent: Option<&Payer>,
        ) -> Result<()> {
            match store.set_parent(payer, parent).await {
                Err(Error::Invalid { .. }) if payer.task().is_some() => Ok(()),
                other => other,
            }
        }
    }

    /// Breaks `BudgetKeeper` 9.
    knowing_parents_only => [
        a_payers_budget_covers_its_descendants,
        a_parent_that_makes_a_cycle_is_refused,
        a_task_that_is_not_a_part_can_have_a_registered_parent
    ] {
        async fn ancestors(&self, store: &MemoryStore, payer: &Payer) -> Result<Vec<Payer>> {
            let mut ancestors = store.ancestors(payer).await?;
            ancestors.truncate(1);
            Ok(ancestors)
        }
    }

    /// Breaks `BudgetKeeper` 10.
    renewing_nothing => [
        a_renewed_hold_is_not_swept,
        renewing_never_shortens_a_hold,
        a_hold_that_is_not_open_is_not_renewed
    ] {
        async fn renew(
            &self,
            _store: &MemoryStore,
            calls: &[(Payer, CallId)],
            _until: Timestamp,
        ) -> Result<Vec<Renewal>> {
            Ok(calls.iter().map(|_| Renewal::Renewed).collect())
        }
    }
}
