//! The kit of [`CostTracker`](crate::cost::CostTracker) and
//! [`BudgetKeeper`](crate::cost::BudgetKeeper), played on a whole [`RunStore`] because what is
//! booked moves tasks, and leases guard holds.

mod alert;
mod budget;
mod hold;
mod payer;
mod sum;
mod track;

use super::kit::Fixture;
use crate::journal::RunStore;
use crate::scenarios;

use self::alert::{
    a_mark_crossed_unseen_is_reported_next, a_raised_budget_has_its_marks_ahead_again,
    an_alert_comes_again_in_the_next_period, an_alert_is_reported_once_per_period,
    one_call_reports_every_mark_it_crosses, settling_reports_the_marks_it_crosses,
};
use self::budget::{
    a_budget_covers_its_model_only, a_budget_set_again_keeps_what_was_spent,
    a_budget_set_late_counts_what_was_spent_before, a_cleared_budget_refuses_nothing_more,
    a_part_is_refused_in_the_name_of_the_whole, a_tasks_budget_covers_its_parts,
    budgets_are_read_back_as_set, budgets_count_by_the_calendar, budgets_survive_a_restart,
    deleting_a_part_frees_nothing, figures_that_make_no_sense_are_refused,
};
use self::hold::{
    a_hold_is_taken_in_every_budget_or_in_none, a_hold_that_fits_exactly_is_taken,
    a_living_tasks_hold_is_not_swept, a_lost_call_is_booked_in_full, a_negative_hold_is_refused,
    a_refusal_says_what_is_missing, a_soft_budget_counts_and_never_refuses,
    an_unpriced_call_is_refused_only_by_a_hard_budget, concurrent_holds_never_exceed_a_budget,
    concurrent_holds_of_several_handles_never_exceed_a_budget, holds_survive_a_restart,
    holds_that_ran_out_are_booked_in_full, open_holds_are_listed_by_payer_and_call,
    settling_an_unknown_hold_changes_nothing, settling_books_in_the_period_of_the_hold,
    settling_frees_what_was_held_and_books_what_was_paid, settling_twice_changes_nothing,
    what_cannot_be_priced_is_booked_at_its_hold, what_was_never_sent_costs_nothing,
};
use self::payer::{
    a_key_holds_pays_and_has_a_budget, a_parent_that_makes_a_cycle_is_refused,
    a_payers_budget_covers_its_descendants, a_renewed_hold_is_not_swept,
    a_task_that_is_part_of_none_takes_a_parent, parents_survive_a_restart,
    renewing_never_shortens_a_hold, sums_tell_payers_apart, the_parent_of_a_part_is_not_changed,
    what_a_payer_spent_moves_with_it_to_another_parent, what_is_not_open_is_not_renewed,
};
use self::sum::{
    a_sum_counts_calls_tokens_and_what_is_not_known, days_are_the_calendars,
    sums_add_up_to_the_total, the_calendar_is_that_of_the_budgets, the_highest_sum_comes_first,
};
use self::track::{
    a_negative_cost_is_refused, a_span_is_half_open, an_entry_is_booked_once,
    an_update_of_the_task_keeps_what_it_cost, concurrent_entries_add_up,
    entries_are_listed_oldest_first, entries_come_back_as_tracked, entries_outlive_their_task,
    entries_survive_a_restart, entries_without_a_cost_add_nothing,
    the_totals_of_tasks_add_up_to_the_total, totals_are_exact_to_the_nano_dollar,
    tracking_moves_the_task_and_its_budgets,
};

scenarios! {
    $crate
    /// Plays every scenario of the contracts of [`CostTracker`](crate::cost::CostTracker) and
    /// [`BudgetKeeper`](crate::cost::BudgetKeeper).
    ledger for Fixture<dyn RunStore>, in ledger_conformance;

    entries_come_back_as_tracked;
    totals_are_exact_to_the_nano_dollar;
    entries_without_a_cost_add_nothing;
    an_entry_is_booked_once;
    a_span_is_half_open;
    the_totals_of_tasks_add_up_to_the_total;
    concurrent_entries_add_up;
    a_negative_cost_is_refused;
    tracking_moves_the_task_and_its_budgets;
    an_update_of_the_task_keeps_what_it_cost;
    entries_are_listed_oldest_first;
    entries_outlive_their_task;
    entries_survive_a_restart needs durable;

    sums_add_up_to_the_total;
    a_sum_counts_calls_tokens_and_what_is_not_known;
    the_highest_sum_comes_first;
    days_are_the_calendars;
    the_calendar_is_that_of_the_budgets;

    a_hold_is_taken_in_every_budget_or_in_none;
    a_hold_that_fits_exactly_is_taken;
    a_negative_hold_is_refused;
    open_holds_are_listed_by_payer_and_call;
    a_refusal_says_what_is_missing;
    a_soft_budget_counts_and_never_refuses;
    concurrent_holds_never_exceed_a_budget;
    concurrent_holds_of_several_handles_never_exceed_a_budget needs shared;
    an_unpriced_call_is_refused_only_by_a_hard_budget;

    settling_frees_what_was_held_and_books_what_was_paid;
    settling_books_in_the_period_of_the_hold;
    settling_twice_changes_nothing;
    settling_an_unknown_hold_changes_nothing;
    a_lost_call_is_booked_in_full;
    what_cannot_be_priced_is_booked_at_its_hold;
    what_was_never_sent_costs_nothing;
    holds_that_ran_out_are_booked_in_full;
    a_living_tasks_hold_is_not_swept;
    holds_survive_a_restart needs durable;

    an_alert_is_reported_once_per_period;
    an_alert_comes_again_in_the_next_period;
    one_call_reports_every_mark_it_crosses;
    settling_reports_the_marks_it_crosses;
    a_mark_crossed_unseen_is_reported_next;
    a_raised_budget_has_its_marks_ahead_again;

    budgets_are_read_back_as_set;
    figures_that_make_no_sense_are_refused;
    a_budget_set_late_counts_what_was_spent_before;
    a_budget_set_again_keeps_what_was_spent;
    a_cleared_budget_refuses_nothing_more;
    budgets_count_by_the_calendar;
    a_budget_covers_its_model_only;
    a_tasks_budget_covers_its_parts;
    a_part_is_refused_in_the_name_of_the_whole;
    deleting_a_part_frees_nothing;
    budgets_survive_a_restart needs durable;

    a_key_holds_pays_and_has_a_budget;
    sums_tell_payers_apart;
    a_payers_budget_covers_its_descendants;
    a_parent_that_makes_a_cycle_is_refused;
    what_a_payer_spent_moves_with_it_to_another_parent;
    a_task_that_is_part_of_none_takes_a_parent;
    the_parent_of_a_part_is_not_changed;
    parents_survive_a_restart needs durable;
    a_renewed_hold_is_not_swept;
    renewing_never_shortens_a_hold;
    what_is_not_open_is_not_renewed;
}

/// What the scenarios are played with.
type Runs<'a> = &'a dyn Fixture<dyn RunStore>;
