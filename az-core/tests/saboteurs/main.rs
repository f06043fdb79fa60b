//! The kits detect every broken clause: a saboteur fails exactly the scenarios of its clause.
#![expect(clippy::unwrap_used, reason = "a failed test is the right outcome")]
#![expect(
    clippy::too_many_arguments,
    reason = "a saboteur's method takes the store besides the arguments of the contract's method"
)]

mod account;
mod clock;
mod config_manager;
mod engine;
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
    task_queue, a_queue_that_forgets_at_a_restart, DURABLE => [
        enqueued_tasks_survive_a_restart, leases_survive_a_restart
    ];
    task_queue, a_queue_that_is_not_shared, SHARED => [
        concurrent_claims_of_several_handles_get_each_task_once
    ];
    journal, a_journal_that_forgets_at_a_restart, DURABLE => [events_survive_a_restart];
    lease_anchors, anchors_that_are_forgotten_at_a_restart, DURABLE => [anchors_survive_a_restart];
    lease_anchors, anchors_that_are_not_shared, SHARED => [
        concurrent_calls_of_several_handles_return_one_anchor
    ];
    ledger, a_ledger_that_forgets_at_a_restart, DURABLE => [
        entries_survive_a_restart, holds_survive_a_restart, budgets_survive_a_restart,
        parents_survive_a_restart
    ];
    ledger, a_ledger_that_is_not_shared, SHARED => [
        concurrent_holds_of_several_handles_never_exceed_a_budget
    ];
    task_repository, a_repository_that_forgets_at_a_restart, DURABLE => [tasks_survive_a_restart];
    state_manager, states_that_are_forgotten_at_a_restart, DURABLE => [states_survive_a_restart];
    config_manager, settings_that_are_forgotten_at_a_restart, DURABLE => [
        settings_survive_a_restart
    ];
    log_store, a_log_that_is_forgotten_at_a_restart, DURABLE => [records_survive_a_restart];
}

#[test]
fn every_scenario_has_a_saboteur() {
    for (scenarios, broken) in [
        (testing::account::SCENARIOS, account::BROKEN),
        (testing::clock::SCENARIOS, clock::BROKEN),
        (testing::config_manager::SCENARIOS, config_manager::BROKEN),
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
