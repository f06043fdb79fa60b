//! The kit of [`TaskQueue`].

mod claim;
mod end;
mod enqueue;
mod lease;
mod park;
mod spawned;

use super::kit::Fixture;
use crate::scenarios;
use crate::task::TaskQueue;

use self::claim::{
    a_claimed_task_is_running, a_named_task_is_claimed_in_any_status_but_completed,
    a_task_released_until_later_is_not_claimed_before,
    among_equal_ages_the_smallest_id_is_claimed_first,
    among_equal_priorities_the_oldest_is_claimed_first, an_empty_queue_returns_no_task,
    claiming_a_completed_task_by_name_is_invalid, claiming_a_task_under_a_lease_reports_its_owner,
    claiming_an_unknown_task_is_not_found, later_claims_keep_the_start_of_the_first,
    tasks_of_higher_priority_are_claimed_first,
};
use self::end::{
    a_claim_by_name_clears_the_request_to_cancel, a_finished_task_is_not_finished_again,
    a_released_task_is_pending_again, a_request_to_cancel_outlives_the_lease,
    a_stale_lease_cannot_finish, a_stale_lease_cannot_release,
    an_expired_lease_may_finish_until_it_is_superseded,
    cancelling_a_running_task_stores_a_request_for_its_owner, cancelling_a_waiting_task_ends_it,
    cancelling_an_ended_task_changes_nothing, cancelling_an_unknown_task_is_not_found,
    finishing_ends_the_task, releasing_a_task_with_a_request_to_cancel_ends_it,
    the_end_of_a_task_clears_the_request_to_cancel,
};
use self::enqueue::{
    a_completed_task_is_not_enqueued_again, a_failed_or_cancelled_task_can_be_enqueued_again,
    a_large_command_in_any_script_is_claimed_unchanged, another_task_with_a_stored_id_is_refused,
    enqueued_tasks_survive_a_restart, enqueueing_again_changes_nothing,
    enqueueing_makes_a_task_pending, times_come_from_the_caller,
};
use self::lease::{
    a_heartbeat_extends_the_lease, a_heartbeat_reports_a_requested_cancellation,
    a_jump_of_the_wall_clock_expires_no_lease, a_superseded_lease_is_lost_and_stays_lost,
    a_task_under_a_lease_is_not_claimed_again, a_task_with_an_expired_lease_is_claimed_again,
    a_wall_clock_that_was_set_back_keeps_no_lease, concurrent_claims_get_each_task_once,
    concurrent_claims_of_several_handles_get_each_task_once, dropping_a_claim_loses_no_task,
    every_claim_has_a_larger_epoch, heartbeats_are_answered_in_order, leases_survive_a_restart,
    the_lease_of_a_task_is_returned, the_lease_of_an_owner_presumed_dead_is_superseded,
    the_leases_of_others_are_listed_by_expiry,
};
use self::park::{
    a_parked_task_is_not_claimed, a_parked_task_is_pending_and_has_its_wait,
    cancelling_a_parked_task_ends_it, parked_tasks_are_claimed_in_order_once_their_time_ran_out,
    parking_a_task_with_a_request_to_cancel_ends_it, parking_needs_the_current_lease,
};
use self::spawned::{
    a_claim_of_a_queued_task_by_name_keeps_a_request_to_cancel,
    a_claim_of_a_queued_task_by_name_resumes_none,
    a_request_to_cancel_a_task_cancels_what_it_has_spawned,
    a_spawned_task_is_queued_by_its_parent_only,
    a_task_is_spawned_under_the_current_lease_of_its_parent_only,
    a_task_that_is_to_be_cancelled_spawns_none, releasing_or_parking_a_task_cancels_nothing,
    the_end_of_a_task_cancels_what_it_has_spawned,
    what_goes_on_below_a_task_that_has_ended_is_cancelled_too,
    what_was_cancelled_with_its_parent_is_spawned_again_and_nothing_else,
};

scenarios! {
    $crate
    /// Runs every scenario of [`TaskQueue`]'s contract.
    task_queue for Fixture<dyn TaskQueue>, in task_queue_conformance;

    enqueueing_makes_a_task_pending;
    enqueueing_again_changes_nothing;
    a_failed_or_cancelled_task_can_be_enqueued_again;
    a_completed_task_is_not_enqueued_again;
    another_task_with_a_stored_id_is_refused;
    a_large_command_in_any_script_is_claimed_unchanged;

    an_empty_queue_returns_no_task;
    tasks_of_higher_priority_are_claimed_first;
    among_equal_priorities_the_oldest_is_claimed_first;
    among_equal_ages_the_smallest_id_is_claimed_first;
    a_task_released_until_later_is_not_claimed_before;

    a_claimed_task_is_running;
    later_claims_keep_the_start_of_the_first;
    a_task_under_a_lease_is_not_claimed_again;
    concurrent_claims_get_each_task_once;
    concurrent_claims_of_several_handles_get_each_task_once needs shared;
    dropping_a_claim_loses_no_task;

    a_task_with_an_expired_lease_is_claimed_again;
    the_lease_of_an_owner_presumed_dead_is_superseded;
    every_claim_has_a_larger_epoch;

    a_named_task_is_claimed_in_any_status_but_completed;
    claiming_a_task_under_a_lease_reports_its_owner;
    claiming_a_completed_task_by_name_is_invalid;
    claiming_an_unknown_task_is_not_found;

    a_heartbeat_extends_the_lease;
    a_heartbeat_reports_a_requested_cancellation;
    a_superseded_lease_is_lost_and_stays_lost;
    heartbeats_are_answered_in_order;

    finishing_ends_the_task;
    a_finished_task_is_not_finished_again;
    a_stale_lease_cannot_finish;
    a_stale_lease_cannot_release;
    an_expired_lease_may_finish_until_it_is_superseded;
    a_released_task_is_pending_again;
    the_lease_of_a_task_is_returned;
    the_leases_of_others_are_listed_by_expiry;

    cancelling_a_waiting_task_ends_it;
    cancelling_a_running_task_stores_a_request_for_its_owner;
    cancelling_an_ended_task_changes_nothing;
    cancelling_an_unknown_task_is_not_found;
    a_request_to_cancel_outlives_the_lease;
    a_claim_by_name_clears_the_request_to_cancel;
    the_end_of_a_task_clears_the_request_to_cancel;
    releasing_a_task_with_a_request_to_cancel_ends_it;

    a_parked_task_is_pending_and_has_its_wait;
    parking_needs_the_current_lease;
    parking_a_task_with_a_request_to_cancel_ends_it;
    a_parked_task_is_not_claimed;
    parked_tasks_are_claimed_in_order_once_their_time_ran_out;
    cancelling_a_parked_task_ends_it;

    the_end_of_a_task_cancels_what_it_has_spawned;
    a_request_to_cancel_a_task_cancels_what_it_has_spawned;
    what_goes_on_below_a_task_that_has_ended_is_cancelled_too;
    releasing_or_parking_a_task_cancels_nothing;
    a_claim_of_a_queued_task_by_name_resumes_none;
    a_claim_of_a_queued_task_by_name_keeps_a_request_to_cancel;
    a_task_is_spawned_under_the_current_lease_of_its_parent_only;
    a_task_that_is_to_be_cancelled_spawns_none;
    a_spawned_task_is_queued_by_its_parent_only;
    what_was_cancelled_with_its_parent_is_spawned_again_and_nothing_else;

    times_come_from_the_caller;
    a_jump_of_the_wall_clock_expires_no_lease;
    a_wall_clock_that_was_set_back_keeps_no_lease;

    enqueued_tasks_survive_a_restart needs durable;
    leases_survive_a_restart needs durable;
}

/// The fixture of a scenario.
type Queue<'a> = &'a dyn Fixture<dyn TaskQueue>;
