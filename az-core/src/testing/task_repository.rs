//! The kit of [`TaskRepository`].

mod keeping;
mod listing;
mod updating;

use super::kit::Fixture;
use crate::scenarios;
use crate::task::TaskRepository;

use self::keeping::{
    a_created_task_is_returned_as_given, a_deleted_task_is_gone,
    a_large_command_in_any_script_is_returned_unchanged, an_unknown_id_is_none_not_found_or_false,
    another_task_with_a_stored_id_is_refused, creating_a_changed_task_again_keeps_the_change,
    creating_a_task_again_changes_nothing, tasks_survive_a_restart,
};
use self::listing::{
    a_list_has_a_hundred_tasks_by_default, a_list_is_newest_first,
    a_part_of_an_id_matches_its_beginning_or_end, among_equal_ages_the_largest_id_is_listed_first,
    an_empty_store_lists_nothing, filters_combine_by_and, pages_contain_every_task_once,
    parked_tasks_can_be_listed, the_tasks_below_a_task_are_listed_at_any_depth,
};
use self::updating::{
    an_update_from_an_old_copy_is_refused, an_update_keeps_what_a_parked_task_waits_for,
    an_update_replaces_the_stored_task, only_the_queue_starts_and_stops_a_task,
    the_status_changes_only_as_allowed,
};

scenarios! {
    $crate
    /// Runs every scenario of [`TaskRepository`]'s contract that needs no other contract; the
    /// others are in [`store()`](crate::testing::store()).
    task_repository for Fixture<dyn TaskRepository>, in task_repository_conformance;

    a_created_task_is_returned_as_given;
    a_large_command_in_any_script_is_returned_unchanged;
    creating_a_task_again_changes_nothing;
    creating_a_changed_task_again_keeps_the_change;
    another_task_with_a_stored_id_is_refused;
    an_unknown_id_is_none_not_found_or_false;

    an_update_replaces_the_stored_task;
    an_update_from_an_old_copy_is_refused;
    the_status_changes_only_as_allowed;
    an_update_keeps_what_a_parked_task_waits_for;
    only_the_queue_starts_and_stops_a_task;

    an_empty_store_lists_nothing;
    a_list_is_newest_first;
    among_equal_ages_the_largest_id_is_listed_first;
    a_list_has_a_hundred_tasks_by_default;
    filters_combine_by_and;
    parked_tasks_can_be_listed;
    the_tasks_below_a_task_are_listed_at_any_depth;
    a_part_of_an_id_matches_its_beginning_or_end;
    pages_contain_every_task_once;

    a_deleted_task_is_gone;
    tasks_survive_a_restart needs durable;
}

/// The fixture of a scenario.
type Tasks<'a> = &'a dyn Fixture<dyn TaskRepository>;
