//! Shorthands for a ledger.

use std::hash::{BuildHasher, RandomState};

use async_trait::async_trait;

use super::charge::Charge;
use super::entry::CostEntry;
use super::payer::Payer;
use super::period::Period;
use super::tracker::CostTracker;
use super::usage::Usage;
use crate::clock::{Clock, SystemClock};
use crate::error::Result;
use crate::id::{CallId, TaskId};
use crate::money::Usd;

/// Shorthands for every [`CostTracker`], for costs that arise outside the engine.
///
/// ```
/// use az_core::cost::{CostTrackerExt, Period};
/// use az_core::memory::MemoryStore;
/// use az_core::{TaskId, Usd};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let ledger = MemoryStore::new();
/// ledger.track(&TaskId::new("t1")?, "0.25".parse()?, "gpt-4-turbo", 1_200).await?;
/// assert_eq!(ledger.total_cost(Period::default()).await?.to_string(), "$0.25");
/// # Ok::<(), az_core::Error>(()) }).unwrap();
/// ```
#[async_trait]
pub trait CostTrackerExt: CostTracker {
    /// Books the cost of a call that was made elsewhere, at the current time. Every call of this
    /// function books another entry; [`book`](CostTracker::book) takes the name of the call
    /// instead.
    ///
    /// All tokens are booked as input, because their division is unknown, and the model also stands
    /// for its provider.
    ///
    /// # Errors
    ///
    /// `Invalid` for a negative cost, or the backend's own.
    async fn track(&self, task: &TaskId, cost: Usd, model: &str, tokens: u64) -> Result<()> {
        let at = SystemClock.now();
        self.book(&CostEntry {
            payer: Payer::Task(task.clone()),
            call: CallId::new(format!("x{:016x}", RandomState::new().hash_one(at)))?,
            provider: model.to_owned(),
            model: model.to_owned(),
            charge: Charge::new(Usage::tokens(tokens, 0), Some(cost)),
            at,
        })
        .await
    }

    /// Returns the amount spent in the current period of the ledger's calendar; the default period
    /// is [`Period::Daily`].
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn total_cost(&self, period: Period) -> Result<Usd> {
        let range = self.calendar().await?.span(period, SystemClock.now());
        self.total_in(range).await
    }
}

impl<T: CostTracker + ?Sized> CostTrackerExt for T {}
