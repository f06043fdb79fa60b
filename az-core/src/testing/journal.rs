//! The kit of [`Journal`](crate::journal::Journal), run on a whole [`RunStore`] because an append
//! changes tasks and costs too.

mod answer;
mod calls;
mod lease;
mod projection;
mod record;

use super::kit::Fixture;
use crate::journal::RunStore;
use crate::scenarios;

use self::answer::{
    a_call_is_answered_once, a_task_that_is_not_parked_is_not_answered,
    an_answer_after_the_time_ran_out_has_no_effect,
    an_answer_is_recorded_and_makes_the_task_claimable, an_answer_to_another_call_has_no_effect,
    one_of_several_concurrent_answers_is_recorded,
};
use self::calls::{tool_calls_are_those_of_the_time_range, tool_calls_of_all_tasks_are_summarised};
use self::lease::{
    a_released_or_unknown_task_refuses_appends, an_append_needs_the_current_lease,
    an_expired_lease_may_append_until_it_is_superseded,
};
use self::projection::{
    a_copied_event_has_no_effect, a_refused_append_changes_no_money,
    a_result_settles_its_hold_and_is_charged_to_the_task, a_run_that_ends_ends_the_task,
    an_append_reports_the_alerts_it_crossed, an_intent_over_budget_is_not_recorded,
    an_intent_takes_its_hold, an_interrupted_call_is_booked_in_full,
    an_unpriced_intent_is_not_recorded,
};
use self::record::{
    a_number_that_is_taken_is_refused, a_repeated_event_is_refused_whatever_the_budgets_say,
    a_second_event_of_a_type_about_a_call_is_refused, an_append_is_all_or_nothing,
    concurrent_appends_do_not_overwrite_each_other, events_are_returned_as_they_were_appended,
    events_survive_a_restart, journals_of_tasks_are_separate, numbers_have_no_gaps,
    reading_respects_its_start_and_limit, the_tail_and_the_journal_fold_to_the_same_history,
    the_tail_begins_at_the_last_snapshot,
};

scenarios! {
    $crate
    /// Runs every scenario of [`Journal`](crate::journal::Journal)'s contract.
    journal for Fixture<dyn RunStore>, in journal_conformance;

    events_are_returned_as_they_were_appended;
    numbers_have_no_gaps;
    reading_respects_its_start_and_limit;
    journals_of_tasks_are_separate;

    a_number_that_is_taken_is_refused;
    an_append_is_all_or_nothing;
    concurrent_appends_do_not_overwrite_each_other;

    an_append_needs_the_current_lease;
    a_released_or_unknown_task_refuses_appends;
    an_expired_lease_may_append_until_it_is_superseded;

    a_second_event_of_a_type_about_a_call_is_refused;
    a_repeated_event_is_refused_whatever_the_budgets_say;

    an_intent_takes_its_hold;
    an_intent_over_budget_is_not_recorded;
    an_unpriced_intent_is_not_recorded;
    a_result_settles_its_hold_and_is_charged_to_the_task;
    an_interrupted_call_is_booked_in_full;
    a_refused_append_changes_no_money;
    a_copied_event_has_no_effect;
    an_append_reports_the_alerts_it_crossed;
    a_run_that_ends_ends_the_task;

    the_tail_begins_at_the_last_snapshot;
    the_tail_and_the_journal_fold_to_the_same_history;

    an_answer_is_recorded_and_makes_the_task_claimable;
    an_answer_to_another_call_has_no_effect;
    an_answer_after_the_time_ran_out_has_no_effect;
    a_task_that_is_not_parked_is_not_answered;
    a_call_is_answered_once;
    one_of_several_concurrent_answers_is_recorded;

    tool_calls_of_all_tasks_are_summarised;
    tool_calls_are_those_of_the_time_range;

    events_survive_a_restart needs durable;
}

/// The fixture of a scenario.
type Runs<'a> = &'a dyn Fixture<dyn RunStore>;
