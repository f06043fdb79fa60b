//! Tasks: the model, the queue and the repository.
//!
//! [`QueuedTask`], [`held`] and some methods of [`Task`], [`Lease`] and [`Claim`] are rules that
//! every store applies. They are for implementers of stores.

mod effort;
mod failure;
mod fence;
mod goal;
mod image;
mod instructions;
mod model;
mod options;
mod origin;
mod output_schema;
mod queue;
mod queued;
mod repository;
mod spawned;
mod stored;
mod waiting;

pub use effort::ReasoningEffort;
pub use failure::{Failure, FailureDetail};
pub use fence::LeaseFence;
pub(crate) use fence::Moment;
pub use goal::GoalCheck;
pub use image::TaskImage;
pub use instructions::TaskInstructions;
pub use model::{LARGEST_COMMAND, Task, TaskPriority, TaskStatus};
pub use options::{TaskOptions, UnattendedMode, millis};
pub use origin::{Said, TaskOrigin};
pub use output_schema::{LARGEST_OUTPUT_SCHEMA, OutputSchema};
pub use queue::{CancelOutcome, Claim, Claimed, HeartbeatStatus, Lease, Outcome, TaskQueue};
pub use queued::{QueuedTask, held};
pub use repository::{TaskFilter, TaskRepository};
pub use spawned::{BudgetChange, Spawned};
pub use waiting::{WaitAnswer, WaitKind, WaitReply, Waiting};
