//! The kit of [`CostTracker`](crate::cost::CostTracker) and
//! [`BudgetKeeper`](crate::cost::BudgetKeeper), run on a whole [`RunStore`] because entries change
//! tasks, and leases keep holds from expiring.

mod alert;
mod budget;
mod hold;
mod payer;
mod sum;
mod track;
mod uncertain;

use super::kit::Fixture;
use crate::journal::RunStore;
use crate::scenarios;

use self::alert::{
    a_raised_budget_reports_its_alerts_again, an_alert_crossed_by_a_sweep_is_reported_next,
    an_alert_is_reported_again_in_the_next_period, an_alert_is_reported_once_per_period,
    one_call_reports_every_alert_it_crosses, settling_reports_the_alerts_it_crosses,
};
use self::budget::{
    a_budget_counts_spending_from_before_it_was_set, a_budget_covers_its_model_only,
    a_budget_set_again_keeps_its_spent_amount, a_cleared_budget_refuses_nothing,
    a_refusal_of_a_part_names_the_budget_of_the_whole, a_tasks_budget_covers_its_parts,
    budgets_are_returned_as_they_were_set, budgets_count_by_the_calendar,
    budgets_survive_a_restart, deleting_a_part_frees_nothing, invalid_budgets_are_refused,
};
use self::hold::{
    a_call_that_was_not_made_costs_nothing, a_hold_is_taken_in_every_budget_or_in_none,
    a_hold_that_fits_exactly_is_taken, a_hold_under_a_valid_lease_is_not_swept,
    a_lost_call_is_booked_in_full, a_negative_hold_is_refused,
    a_payment_without_a_price_is_booked_at_its_hold, a_refusal_has_the_budget_and_its_figures,
    a_soft_budget_counts_and_never_refuses, an_unpriced_call_is_refused_only_by_a_hard_budget,
    concurrent_holds_never_exceed_a_budget,
    concurrent_holds_of_several_handles_never_exceed_a_budget, expired_holds_are_booked_in_full,
    holds_survive_a_restart, open_holds_are_listed_by_payer_and_call,
    settling_an_unknown_hold_changes_nothing, settling_books_in_the_period_of_the_hold,
    settling_frees_the_hold_and_books_the_payment, settling_twice_changes_nothing,
};
use self::payer::{
    a_hold_that_is_not_open_is_not_renewed, a_key_has_holds_entries_and_a_budget,
    a_parent_that_makes_a_cycle_is_refused, a_payers_budget_covers_its_descendants,
    a_payers_spending_follows_it_to_another_parent, a_renewed_hold_is_not_swept,
    a_task_that_is_not_a_part_can_have_a_registered_parent, parents_survive_a_restart,
    renewing_never_shortens_a_hold, sums_group_by_payer, the_parent_of_a_part_is_not_changed,
};
use self::sum::{
    a_sum_counts_calls_tokens_unknown_costs_and_estimates, days_are_those_of_the_calendar,
    sums_add_up_to_the_total, the_calendar_is_that_of_the_budgets, the_highest_sum_comes_first,
};
use self::track::{
    a_negative_cost_is_refused, a_range_is_half_open, an_entry_is_booked_once,
    an_update_of_the_task_keeps_its_cost, booking_updates_the_task_and_its_budgets,
    concurrent_entries_add_up, entries_are_listed_oldest_first,
    entries_are_returned_as_they_were_booked, entries_outlive_their_task,
    entries_survive_a_restart, entries_without_a_cost_add_nothing,
    the_payers_with_unknown_costs_are_found, the_totals_of_tasks_add_up_to_the_total,
    totals_are_exact_to_the_nano_dollar,
};

use self::uncertain::{
    a_certain_entry_is_not_reconciled, a_confirmed_entry_keeps_its_cost_or_gets_another,
    a_released_entry_costs_nothing, a_swept_call_that_completes_is_booked_at_its_cost,
    an_alert_that_a_release_puts_out_of_reach_is_reported_again, decisions_survive_a_restart,
    uncertain_amounts_count_as_spent_and_are_stated, uncertain_entries_are_listed_oldest_first,
};

scenarios! {
    $crate
    /// Runs every scenario of the contracts of [`CostTracker`](crate::cost::CostTracker) and
    /// [`BudgetKeeper`](crate::cost::BudgetKeeper).
    ledger for Fixture<dyn RunStore>, in ledger_conformance;

    entries_are_returned_as_they_were_booked;
    totals_are_exact_to_the_nano_dollar;
    entries_without_a_cost_add_nothing;
    an_entry_is_booked_once;
    a_range_is_half_open;
    the_totals_of_tasks_add_up_to_the_total;
    concurrent_entries_add_up;
    a_negative_cost_is_refused;
    booking_updates_the_task_and_its_budgets;
    an_update_of_the_task_keeps_its_cost;
    entries_are_listed_oldest_first;
    the_payers_with_unknown_costs_are_found;
    entries_outlive_their_task;
    entries_survive_a_restart needs durable;

    sums_add_up_to_the_total;
    a_sum_counts_calls_tokens_unknown_costs_and_estimates;
    the_highest_sum_comes_first;
    days_are_those_of_the_calendar;
    the_calendar_is_that_of_the_budgets;

    uncertain_amounts_count_as_spent_and_are_stated;
    a_swept_call_that_completes_is_booked_at_its_cost;
    a_released_entry_costs_nothing;
    a_confirmed_entry_keeps_its_cost_or_gets_another;
    a_certain_entry_is_not_reconciled;
    uncertain_entries_are_listed_oldest_first;
    an_alert_that_a_release_puts_out_of_reach_is_reported_again;
    decisions_survive_a_restart needs durable;

    a_hold_is_taken_in_every_budget_or_in_none;
    a_hold_that_fits_exactly_is_taken;
    a_negative_hold_is_refused;
    open_holds_are_listed_by_payer_and_call;
    a_refusal_has_the_budget_and_its_figures;
    a_soft_budget_counts_and_never_refuses;
    concurrent_holds_never_exceed_a_budget;
    concurrent_holds_of_several_handles_never_exceed_a_budget needs shared;
    an_unpriced_call_is_refused_only_by_a_hard_budget;

    settling_frees_the_hold_and_books_the_payment;
    settling_books_in_the_period_of_the_hold;
    settling_twice_changes_nothing;
    settling_an_unknown_hold_changes_nothing;
    a_lost_call_is_booked_in_full;
    a_payment_without_a_price_is_booked_at_its_hold;
    a_call_that_was_not_made_costs_nothing;
    expired_holds_are_booked_in_full;
    a_hold_under_a_valid_lease_is_not_swept;
    holds_survive_a_restart needs durable;

    an_alert_is_reported_once_per_period;
    an_alert_is_reported_again_in_the_next_period;
    one_call_reports_every_alert_it_crosses;
    settling_reports_the_alerts_it_crosses;
    an_alert_crossed_by_a_sweep_is_reported_next;
    a_raised_budget_reports_its_alerts_again;

    budgets_are_returned_as_they_were_set;
    invalid_budgets_are_refused;
    a_budget_counts_spending_from_before_it_was_set;
    a_budget_set_again_keeps_its_spent_amount;
    a_cleared_budget_refuses_nothing;
    budgets_count_by_the_calendar;
    a_budget_covers_its_model_only;
    a_tasks_budget_covers_its_parts;
    a_refusal_of_a_part_names_the_budget_of_the_whole;
    deleting_a_part_frees_nothing;
    budgets_survive_a_restart needs durable;

    a_key_has_holds_entries_and_a_budget;
    sums_group_by_payer;
    a_payers_budget_covers_its_descendants;
    a_parent_that_makes_a_cycle_is_refused;
    a_payers_spending_follows_it_to_another_parent;
    a_task_that_is_not_a_part_can_have_a_registered_parent;
    the_parent_of_a_part_is_not_changed;
    parents_survive_a_restart needs durable;
    a_renewed_hold_is_not_swept;
    renewing_never_shortens_a_hold;
    a_hold_that_is_not_open_is_not_renewed;
}

/// The fixture of a scenario.
type Runs<'a> = &'a dyn Fixture<dyn RunStore>;
