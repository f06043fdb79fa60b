//! The anchors of lease time.

use std::sync::Arc;

use async_trait::async_trait;

use super::store::MemoryStore;
use crate::clock::{BootTime, Timestamp};
use crate::error::Result;
use crate::lease::{LeaseAnchors, boot_began};

#[async_trait]
impl LeaseAnchors for MemoryStore {
    async fn lease_anchor(&self, boot: &BootTime, now: Timestamp) -> Result<Timestamp> {
        let mut state = self.lock();
        if let Some(anchor) = state.anchors.get(&boot.boot) {
            return Ok(*anchor);
        }
        let leases = state.tasks.values().filter_map(|row| row.lease.as_ref());
        let leases = leases.map(|lease| lease.until).max();
        let holds = state.ledger.open_holds().iter().map(|hold| hold.until).max();
        let anchor = boot_began(boot, now, leases.max(holds));
        state.anchors.insert(Arc::clone(&boot.boot), anchor);
        Ok(anchor)
    }
}
