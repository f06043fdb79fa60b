//! Tasks: what was asked, where it stands, who works on it.

mod failure;
mod model;
mod queue;
mod repository;

pub use failure::{Failure, FailureDetail};
pub use model::{LARGEST_COMMAND, Task, TaskOptions, TaskPriority, TaskStatus, millis};
pub use queue::{Beat, CancelOutcome, Claim, Claimed, Lease, Outcome, TaskQueue};
pub use repository::{TaskFilter, TaskRepository};
