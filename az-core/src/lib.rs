//! Task, cost, state and journal contracts of AZ-OS, and the engine that runs an agent.
//!
//! The crate holds what the other crates share and performs no I/O: no HTTP, no SQL, no
//! environment. Storage, models and tools are passed in as traits.
//!
//! | To provide | implement | bundled |
//! |---|---|---|
//! | tasks and their queue | [`task::TaskRepository`], [`task::TaskQueue`] |
//! [`memory::MemoryStore`] |
//! | journals | [`journal::Journal`] | [`memory::MemoryStore`] |
//! | the ledger and budgets | [`cost::CostTracker`], [`cost::BudgetKeeper`] |
//! [`memory::MemoryStore`] |
//! | an agent | [`agent::Agent`] | [`agent::FnAgent`] |
//! | tools | [`tool::Toolbox`] | [`tool::NoTools`] |
//! | the anchors of lease time | [`lease::LeaseAnchors`] | [`memory::MemoryStore`] |
//! | a policy for tool calls | [`policy::Policy`] | [`policy::WorkspacePolicy`],
//! [`policy::AllowEverything`] |
//! | approval of tool calls | [`approval::Approver`] | [`approval::Unattended`] |
//! | a receiver of events | [`engine::EventSink`] | [`engine::Discard`] |
//! | stores by address | [`store::StoreFactory`] | [`memory::MemoryStores`] |
//! | the current time | [`clock::Clock`] | [`clock::SystemClock`], [`clock::ManualClock`] |
//!
//! Every contract has numbered clauses. The module `testing` (feature of that name) has a
//! conformance kit for each, with a scenario for every clause, which tests other implementations
//! too.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod clock;
pub mod error;
pub mod id;
pub mod money;

pub mod config;
pub mod cost;
pub mod journal;
pub mod lease;
pub mod log;
pub mod state;
pub mod store;
pub mod task;

pub mod approval;
pub mod blocking;
mod busy;
pub mod call;
pub mod content;
pub mod digest;
pub mod embed;
pub mod engine;
mod hash;
pub mod locks;
pub mod policy;
pub mod schema;
pub mod search;
pub mod secret;
pub mod serde_arc;
pub mod text;
pub mod tool;
pub mod trace;

pub mod memory;

#[cfg(feature = "testing")]
pub mod testing;

#[cfg(feature = "failpoints")]
#[path = "failpoint/armed.rs"]
pub mod failpoint;
#[cfg(not(feature = "failpoints"))]
#[path = "failpoint/disarmed.rs"]
pub mod failpoint;

pub use clock::{Clock, Timestamp};
pub use engine::agent::{self, Agent, Answer};
pub use engine::{Engine, ExecutionEngine, Run};
pub use error::{Error, ErrorKind, Result};
pub use id::{CallId, TaskId, WorkerId};
pub use money::Usd;
pub use task::{Task, TaskPriority, TaskStatus};
pub use tokio_util::sync::CancellationToken;
pub use tool::{ToolSpec, Toolbox};
