//! The kit of [`TaskRepository`].

mod keeping;
mod listing;
mod updating;

use super::kit::Fixture;
use crate::scenarios;
use crate::task::TaskRepository;

use self::keeping::{
    a_created_task_comes_back_as_given, a_deleted_task_is_gone,
    a_large_command_in_any_script_comes_back, an_unknown_id_is_nothing_refused_or_false,
    another_task_under_a_known_id_is_refused, creating_a_task_again_changes_nothing,
    creating_again_after_a_change_is_still_one_task, tasks_survive_a_restart,
};
use self::listing::{
    a_list_has_a_hundred_tasks_unless_told_otherwise, a_list_is_newest_first,
    among_equally_new_the_largest_id_comes_first, an_empty_store_lists_nothing,
    filters_combine_by_and, pages_cover_every_task_once, parts_of_ids_begin_or_end_them,
};
use self::updating::{
    a_status_moves_only_where_it_may, an_update_from_an_old_copy_is_refused,
    an_update_replaces_what_was_stored, only_the_queue_starts_and_stops_a_task,
};

scenarios! {
    $crate
    /// Plays every scenario of [`TaskRepository`]'s contract that needs no other contract; those
    /// that do are in [`store()`](crate::testing::store()).
    task_repository for Fixture<dyn TaskRepository>, in task_repository_conformance;

    a_created_task_comes_back_as_given;
    a_large_command_in_any_script_comes_back;
    creating_a_task_again_changes_nothing;
    creating_again_after_a_change_is_still_one_task;
    another_task_under_a_known_id_is_refused;
    an_unknown_id_is_nothing_refused_or_false;

    an_update_replaces_what_was_stored;
    an_update_from_an_old_copy_is_refused;
    a_status_moves_only_where_it_may;
    only_the_queue_starts_and_stops_a_task;

    an_empty_store_lists_nothing;
    a_list_is_newest_first;
    among_equally_new_the_largest_id_comes_first;
    a_list_has_a_hundred_tasks_unless_told_otherwise;
    filters_combine_by_and;
    parts_of_ids_begin_or_end_them;
    pages_cover_every_task_once;

    a_deleted_task_is_gone;
    tasks_survive_a_restart needs durable;
}

/// What the scenarios are played with.
type Tasks<'a> = &'a dyn Fixture<dyn TaskRepository>;
