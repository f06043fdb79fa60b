//! The tools that `az mcp serve` offers.

mod limits;
mod served;

pub(crate) use limits::ServeLimits;
pub(crate) use served::ServedTools;
