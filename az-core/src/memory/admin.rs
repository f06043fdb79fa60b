//! Status and check of a store in memory.

use async_trait::async_trait;

use super::store::MemoryStore;
use crate::error::Result;
use crate::store::{StoreAdmin, StoreStatus};

#[async_trait]
impl StoreAdmin for MemoryStore {
    async fn status(&self) -> Result<StoreStatus> {
        let state = self.lock();
        let events = state.records.values().map(|record| record.events.len());
        Ok(StoreStatus {
            schema: None,
            bytes: None,
            tasks: count(state.tasks.len()),
            events: count(events.sum()),
            entries: count(state.ledger.count_entries()),
            holds: count(state.ledger.count_holds()),
        })
    }

    /// Memory cannot be corrupted, so there is nothing to check.
    async fn check(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
