//! The kits detect every broken clause: a saboteur fails exactly the scenarios of its clause.
#![expect(clippy::unwrap_used, reason = "a failed test is the right outcome")]
#![expect(
    clippy::too_many_arguments,
    reason = "a saboteur's method takes the store besides the arguments of the contract's method"
)]

mod account;
mod clock;
mod command_log;
mod config_manager;
mod engine;
mod hint_queue;
mod journal;
mod lease_anchors;
mod ledger;
mod log_store;
mod state_manager;
mod store;
mod store_admin;
mod store_factory;
mod support;
mod task_queue;
mod task_repository;
mod tools;

use az_core::testing::{self, Capabilities};

const DURABLE: Capabilities = Capabilities::NONE.durable();
const SHARED: Capabilities = Capabilities::NONE.shared();

support::pretenders! {
    /// Breaks `TaskQueue` 11.
    a_queue_that_forgets_at_a_restart of task_queue claiming DURABLE => [
        enqueued_tasks_survive_a_restart, leases_survive_a_restart
    ];
    /// Breaks `TaskQueue` 3.
    a_queue_that_is_not_shared of task_queue claiming SHARED => [
        concurrent_claims_of_several_handles_get_each_task_once
    ];
    /// Breaks `Journal` 8.
    a_journal_that_forgets_at_a_restart of journal claiming DURABLE => [events_survive_a_restart];
    /// Breaks `LeaseAnchors` 4.
    anchors_that_are_forgotten_at_a_restart of lease_anchors claiming DURABLE => [anchors_survive_a_restart];
    /// Breaks `LeaseAnchors` 1.
    anchors_that_are_not_shared of lease_anchors claiming SHARED => [
        concurrent_calls_of_several_handles_return_one_anchor
    ];
    /// Breaks `CostTracker` 14 and `BudgetKeeper` 11.
    a_ledger_that_forgets_at_a_restart of ledger claiming DURABLE => [
        entries_survive_a_restart, decisions_survive_a_restart, holds_survive_a_restart, budgets_survive_a_restart,
        parents_survive_a_restart
    ];
    /// Breaks `BudgetKeeper` 2.
    a_ledger_that_is_not_shared of ledger claiming SHARED => [
        concurrent_holds_of_several_handles_never_exceed_a_budget
    ];
    /// Breaks `TaskRepository` 7.
    a_repository_that_forgets_at_a_restart of task_repository claiming DURABLE => [tasks_survive_a_restart];
    /// Breaks `StateManager` 6.
    states_that_are_forgotten_at_a_restart of state_manager claiming DURABLE => [states_survive_a_restart];
    /// Breaks `ConfigManager` 5.
    settings_that_are_forgotten_at_a_restart of config_manager claiming DURABLE => [
        settings_survive_a_restart
    ];
    /// Breaks `LogStore` 5.
    a_log_that_is_forgotten_at_a_restart of log_store claiming DURABLE => [records_survive_a_restart];
    /// Breaks `HintQueue` 5.
    hints_that_are_forgotten_at_a_restart of hint_queue claiming DURABLE => [hints_survive_a_restart];
    /// Breaks `CommandLog` 4.
    runs_that_are_forgotten_at_a_restart of command_log claiming DURABLE => [runs_survive_a_restart];
}

#[test]
fn every_scenario_has_a_saboteur() {
    for (scenarios, broken) in [
        (testing::account::SCENARIOS, account::BROKEN),
        (testing::clock::SCENARIOS, clock::BROKEN),
        (testing::command_log::SCENARIOS, command_log::BROKEN),
        (testing::config_manager::SCENARIOS, config_manager::BROKEN),
        (testing::hint_queue::SCENARIOS, hint_queue::BROKEN),
        (testing::journal::SCENARIOS, journal::BROKEN),
        (testing::lease_anchors::SCENARIOS, lease_anchors::BROKEN),
        (testing::ledger::SCENARIOS, ledger::BROKEN),
        (testing::log_store::SCENARIOS, log_store::BROKEN),
        (testing::state_manager::SCENARIOS, state_manager::BROKEN),
        (testing::store::SCENARIOS, store::BROKEN),
        (
            testing::store_admin::SCENARIOS,
            &*[store_admin::BROKEN, store_admin::BROKEN_BY_FIXTURES].concat(),
        ),
        (testing::store_factory::SCENARIOS, store_factory::BROKEN),
        (testing::task_queue::SCENARIOS, task_queue::BROKEN),
        (testing::task_repository::SCENARIOS, task_repository::BROKEN),
    ] {
        let safe = |name: &&&str| !broken.contains(*name) && !BROKEN.contains(*name);
        let safe: Vec<_> = scenarios.iter().filter(safe).collect();
        assert!(safe.is_empty(), "no saboteur breaks {safe:?}");
    }
}
