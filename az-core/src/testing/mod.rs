//! Conformance kits, fakes and mocks, for backends and for tests of embedders.
//!
//! A kit has a scenario for every clause of a contract, and two entry points. A suite defines a
//! test for each scenario, for a backend's own tests:
//!
//! ```
//! mod memory {
//!     use az_core::memory::MemoryStore;
//!     use az_core::testing::Shared;
//!
//!     az_core::task_queue_conformance! {
//!         make: Shared::<MemoryStore>::new,
//!         skips: ["enqueued_tasks_survive_a_restart", "leases_survive_a_restart"],
//!     }
//! }
//! ```
//!
//! A function runs all scenarios and returns a report, for scripts and examples:
//!
//! ```
//! use az_core::memory::MemoryStore;
//! use az_core::testing::{Shared, task_queue};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let report = task_queue(Shared::<MemoryStore>::new).await;
//! report.assert_passed();
//! # });
//! ```
//!
//! | to check | kit | suite |
//! |---|---|---|
//! | [`TaskRepository`](crate::task::TaskRepository) | [`task_repository()`] | `task_repository_conformance!` |
//! | [`TaskQueue`](crate::task::TaskQueue) | [`task_queue()`] | `task_queue_conformance!` |
//! | [`Journal`](crate::journal::Journal) | [`journal()`] | `journal_conformance!` |
//! | [`LeaseAnchors`](crate::lease::LeaseAnchors) | [`lease_anchors()`] | `lease_anchors_conformance!` |
//! | [`HintQueue`](crate::journal::HintQueue) | [`hint_queue()`] | `hint_queue_conformance!` |
//! | [`CostTracker`](crate::cost::CostTracker), [`BudgetKeeper`](crate::cost::BudgetKeeper) | [`ledger()`] | `ledger_conformance!` |
//! | [`StateManager`](crate::state::StateManager) | [`state_manager()`] | `state_manager_conformance!` |
//! | several of these together | [`store()`] | `store_conformance!` |
//! | [`StoreAdmin`](crate::store::StoreAdmin) | [`store_admin()`] | `store_admin_conformance!` |
//! | [`StoreFactory`](crate::store::StoreFactory) | [`store_factory()`] | `store_factory_conformance!` |
//! | [`ConfigManager`](crate::config::ConfigManager) | [`config_manager()`] | `config_manager_conformance!` |
//! | [`LogStore`](crate::log::LogStore) | [`log_store()`] | `log_store_conformance!` |
//! | [`CommandLog`](crate::log::CommandLog) | [`command_log()`] | `command_log_conformance!` |
//! | [`Toolbox`](crate::tool::Toolbox) | [`toolbox()`] | `toolbox_conformance!` |
//! | [`Policy`](crate::policy::Policy) | [`policy()`] | `policy_conformance!` |
//! | [`Approver`](crate::approval::Approver) | [`approver()`] | `approver_conformance!` |
//! | [`Account`](crate::call::Account) | [`account()`] | `account_conformance!` |
//! | [`Clock`](crate::clock::Clock) | [`clock()`] | `clock_conformance!` |
//! | [`Embedder`](crate::embed::Embedder) | [`embedder()`] | `embedder_conformance!` |
//!
//! Other kits can be defined with [`scenarios!`](crate::scenarios).
//!
//! For tests of code that uses contracts there are [fakes](FakeToolbox), which satisfy them,
//! [`mocks`], which do not, and [`sample`] values.

mod fakes;
mod kit;
pub mod mocks;
pub mod sample;
mod shared;
mod steps;

pub mod account;
pub mod approver;
pub mod clock;
pub mod command_log;
pub mod config_manager;
pub mod embedder;
pub mod hint_queue;
pub mod journal;
pub mod lease_anchors;
pub mod ledger;
pub mod log_store;
pub mod policy;
pub mod state_manager;
pub mod store;
pub mod store_admin;
pub mod store_factory;
pub mod task_queue;
pub mod task_repository;
pub mod toolbox;

pub use fakes::{FakeApprover, FakePolicy, FakeTool, FakeToolbox, LetterEmbedder, Recorder};
pub use kit::{Capabilities, Checked, Fixture, Report, Verdict, Violation, judge, judge_skips};
pub use shared::Shared;

pub use account::{AccountFixture, AccountInStore, AccountSteps, account};
pub use approver::{ApproverFixture, approver};
pub use clock::clock;
pub use command_log::command_log;
pub use config_manager::config_manager;
pub use embedder::embedder;
pub use hint_queue::hint_queue;
pub use journal::journal;
pub use lease_anchors::lease_anchors;
pub use ledger::ledger;
pub use log_store::log_store;
pub use policy::policy;
pub use state_manager::state_manager;
pub use store::{RunAndStateStore, store};
pub use store_admin::{AdminStore, StoreAdminFixture, store_admin};
pub use store_factory::{StoreFactoryFixture, store_factory};
pub use task_queue::task_queue;
pub use task_repository::task_repository;
pub use toolbox::{Example, ExpectedOutcome, ToolboxFixture, toolbox};
