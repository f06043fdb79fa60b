//! The kit of [`TaskQueue`].

mod claim;
mod end;
mod enqueue;
mod lease;

use super::kit::Fixture;
use crate::scenarios;
use crate::task::TaskQueue;

use self::claim::{
    a_claimed_task_is_running, a_named_task_is_claimed_whatever_it_waits_for,
    a_task_released_until_later_waits, among_equally_old_the_smallest_id_comes_first,
    among_equals_the_oldest_comes_first, an_empty_queue_has_nothing_to_claim,
    naming_a_completed_task_is_invalid, naming_a_held_task_names_its_owner,
    naming_an_unknown_task_is_not_found, the_first_claim_sets_the_start_for_good,
    urgent_tasks_come_first,
};
use self::end::{
    a_claim_by_name_clears_the_request_to_stop,
    a_late_owner_may_finish_while_nobody_else_has_claimed, a_released_task_is_pending_again,
    a_request_to_stop_outlives_the_owner, a_stale_lease_cannot_finish,
    a_stale_lease_cannot_release, a_task_asked_to_stop_ends_when_it_is_released,
    an_end_clears_the_request_to_stop, cancelling_a_running_task_asks_its_owner,
    cancelling_a_waiting_task_ends_it, cancelling_an_ended_task_changes_nothing,
    cancelling_an_unknown_task_is_not_found, finishing_ends_the_task, finishing_is_final,
};
use self::enqueue::{
    a_completed_task_is_not_taken_up_again, a_failed_or_cancelled_task_can_be_enqueued_again,
    a_large_command_in_any_script_comes_through, another_task_under_a_known_id_is_refused,
    enqueueing_again_changes_nothing, enqueueing_makes_a_task_pending, times_are_the_callers_own,
    what_was_enqueued_survives_a_restart,
};
use self::lease::{
    a_beat_extends_the_lease, a_beat_reports_a_requested_cancellation,
    a_claim_that_is_given_up_loses_nothing, a_dead_owners_lease_is_not_waited_for,
    a_held_task_is_not_handed_out_twice, a_lease_can_be_looked_up,
    a_superseded_lease_is_lost_and_stays_lost, an_expired_lease_is_handed_out_again,
    beats_are_answered_in_order, concurrent_claims_hand_out_each_task_once,
    concurrent_claims_of_several_handles_hand_out_each_task_once, every_claim_has_a_larger_epoch,
    leases_survive_a_restart, the_leases_of_others_are_listed_by_their_end,
};

scenarios! {
    $crate
    /// Plays every scenario of [`TaskQueue`]'s contract.
    task_queue for Fixture<dyn TaskQueue>, in task_queue_conformance;

    enqueueing_makes_a_task_pending;
    enqueueing_again_changes_nothing;
    a_failed_or_cancelled_task_can_be_enqueued_again;
    a_completed_task_is_not_taken_up_again;
    another_task_under_a_known_id_is_refused;
    a_large_command_in_any_script_comes_through;

    an_empty_queue_has_nothing_to_claim;
    urgent_tasks_come_first;
    among_equals_the_oldest_comes_first;
    among_equally_old_the_smallest_id_comes_first;
    a_task_released_until_later_waits;

    a_claimed_task_is_running;
    the_first_claim_sets_the_start_for_good;
    a_held_task_is_not_handed_out_twice;
    concurrent_claims_hand_out_each_task_once;
    concurrent_claims_of_several_handles_hand_out_each_task_once needs shared;
    a_claim_that_is_given_up_loses_nothing;

    an_expired_lease_is_handed_out_again;
    a_dead_owners_lease_is_not_waited_for;
    every_claim_has_a_larger_epoch;

    a_named_task_is_claimed_whatever_it_waits_for;
    naming_a_held_task_names_its_owner;
    naming_a_completed_task_is_invalid;
    naming_an_unknown_task_is_not_found;

    a_beat_extends_the_lease;
    a_beat_reports_a_requested_cancellation;
    a_superseded_lease_is_lost_and_stays_lost;
    beats_are_answered_in_order;

    finishing_ends_the_task;
    finishing_is_final;
    a_stale_lease_cannot_finish;
    a_stale_lease_cannot_release;
    a_late_owner_may_finish_while_nobody_else_has_claimed;
    a_released_task_is_pending_again;
    a_lease_can_be_looked_up;
    the_leases_of_others_are_listed_by_their_end;

    cancelling_a_waiting_task_ends_it;
    cancelling_a_running_task_asks_its_owner;
    cancelling_an_ended_task_changes_nothing;
    cancelling_an_unknown_task_is_not_found;
    a_request_to_stop_outlives_the_owner;
    a_claim_by_name_clears_the_request_to_stop;
    an_end_clears_the_request_to_stop;
    a_task_asked_to_stop_ends_when_it_is_released;

    times_are_the_callers_own;

    what_was_enqueued_survives_a_restart needs durable;
    leases_survive_a_restart needs durable;
}

/// What the scenarios are played with.
type Queue<'a> = &'a dyn Fixture<dyn TaskQueue>;
