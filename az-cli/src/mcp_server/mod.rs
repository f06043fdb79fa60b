//! The tools that `az mcp serve` offers.

mod limits;
mod served;
mod tasks;
mod token;

pub(crate) use limits::ServeLimits;
pub(crate) use served::ServedTools;
pub(crate) use tasks::QueuedTasks;
pub(crate) use token::read_or_create as read_or_create_token;
