//! Costs: payers, budgets, holds and the ledger.
//!
//! [`Hold::admit`], [`BudgetStatus::check`], [`CostEntry::check`] and [`parents`] are rules that
//! every store applies. They are for implementers of stores.

mod budget;
mod cache_use;
mod charge;
mod entry;
mod estimate;
mod hold;
pub mod parents;
mod payer;
mod period;
mod reconcile;
mod scope;
mod sum;
mod tracker;
mod tracker_ext;
mod usage;

pub use budget::{Alert, Budget, BudgetKeeper, BudgetStatus, Limit};
pub use cache_use::CacheUse;
pub use charge::Charge;
pub use entry::CostEntry;
pub use estimate::CostEstimate;
pub use hold::{Admission, Hold, Renewal, Settlement};
pub use payer::{OtherPayer, Payer};
pub use period::{Calendar, Period, TimeRange};
pub use reconcile::{Decision, Reconciliation};
pub use scope::Scope;
pub use sum::{CostSum, Grouping};
pub use tracker::CostTracker;
pub use tracker_ext::CostTrackerExt;
pub use usage::Usage;
