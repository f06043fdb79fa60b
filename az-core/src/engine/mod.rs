//! Runs agents on tasks: claims them, records and limits what they do, retries, and ends each task
//! exactly once.

mod act;
pub mod agent;
mod approve;
mod background;
mod budget;
mod children;
mod claim;
mod context;
mod contract;
mod copy;
mod drive;
#[expect(clippy::module_inception, reason = "the file is named for the type in it")]
mod engine;
mod event;
mod goal;
mod invocation;
mod keeper;
mod model;
mod named_call;
mod options;
mod outcome;
mod output;
mod progress;
mod question;
mod recover;
mod results;
mod run;
mod snapshots;
mod stop;
mod supervise;
mod tools;
mod views;
mod worker;

pub use contract::ExecutionEngine;
pub use engine::Engine;
pub use event::{Discard, EventSink, RecordedEvent, RunEvent, RunEventKind};
pub use invocation::interrupted_calls;
pub use options::{AssumeAlive, EngineOptions, Liveness, OnUnknown};
pub use run::{Emitter, Run};
pub use stop::{Stop, StopReason};
pub use worker::{WhenIdle, Worker, WorkerError, WorkerOptions, WorkerReport};
