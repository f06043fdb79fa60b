//! What tasks cost, and what they may cost.

mod budget;
mod entry;
mod period;
mod sum;
mod tracker;
mod usage;

pub use budget::{Alert, Budget, BudgetKeeper, BudgetStatus, Hold, Limit, Scope, Settlement};
pub use entry::CostEntry;
pub use period::{Calendar, Period, Span};
pub use sum::{CostSum, Grouping};
pub use tracker::CostTracker;
pub use usage::Usage;
