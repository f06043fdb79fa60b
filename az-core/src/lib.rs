//! Task, cost, state and journal contracts of AZ-OS, and the engine that runs an agent.
//!
//! The crate holds what every other part agrees on and nothing that talks to the world: no HTTP,
//! no SQL, no environment. Storage, models and tools come in through traits.
//!
//! | To decide | implement | bundled |
//! |---|---|---|
//! | where tasks live and wait | [`task::TaskRepository`], [`task::TaskQueue`] | [`memory::MemoryStore`] |
//! | where the record is kept | [`journal::Journal`] | [`memory::MemoryStore`] |
//! | where money is counted | [`cost::CostTracker`], [`cost::BudgetKeeper`] | [`memory::MemoryStore`] |
//! | who does the work | [`agent::Agent`] | [`agent::FnAgent`] |
//! | what it can do | [`tool::Toolbox`] | [`tool::NoTools`] |
//! | what it may do | [`policy::Policy`] | [`policy::WorkspacePolicy`], [`policy::AllowEverything`] |
//! | who approves the rest | [`approval::Approver`] | [`approval::Unattended`] |
//! | who watches | [`engine::EventSink`] | [`engine::Discard`] |
//! | where stores are opened | [`store::StoreFactory`] | [`memory::MemoryStores`] |
//! | what time it is | [`clock::Clock`] | [`clock::SystemClock`], [`clock::ManualClock`] |
//!
//! Every contract lists numbered clauses, and `testing` (feature of that name) has a conformance
//! kit with a scenario per clause for your own implementation to run.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod clock;
pub mod error;
pub mod id;
pub mod money;

pub mod config;
pub mod cost;
pub mod journal;
pub mod log;
pub mod state;
pub mod store;
pub mod task;

pub mod approval;
pub mod call;
pub mod content;
pub mod embed;
pub mod engine;
mod hash;
pub mod policy;
pub mod serde_arc;
pub mod text;
pub mod tool;

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
