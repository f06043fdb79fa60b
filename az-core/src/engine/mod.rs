//! Runs agents on tasks.

mod event;

pub use event::{Discard, EventSink, RunEvent, RunEventKind};

/// One run of a task.
#[derive(Debug)]
pub struct Run;
