//! Stores in memory by their addresses.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::store::MemoryStore;
use crate::error::{Error, Result};
use crate::log::{CommandLog, CommandRun};
use crate::store::{Namespace, Store, StoreAddress, StoreFactory, StoreRequest};

/// Opens stores in memory: `memory:`, or `memory:NAME` for several.
///
/// The data lives as long as the factory. The first handle to a store decides its calendar.
#[derive(Debug, Clone, Default)]
pub struct MemoryStores {
    stores: Arc<Mutex<BTreeMap<(StoreAddress, Namespace), MemoryStore>>>,
}

impl MemoryStores {
    /// Returns a factory whose stores are empty.
    pub fn new() -> Self {
        Self::default()
    }
}

#[async_trait]
impl StoreFactory for MemoryStores {
    async fn open(&self, request: &StoreRequest) -> Result<Arc<dyn Store>> {
        let mut stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (request.address.clone(), request.namespace.clone());
        let new = || MemoryStore::with_calendar(request.calendar.clone());
        Ok(Arc::new(stores.entry(key).or_insert_with(new).clone()))
    }

    async fn note_run(&self, request: &StoreRequest, run: &CommandRun) -> Result<u64> {
        let key = (request.address.clone(), request.namespace.clone());
        let find = || {
            let stores = self.stores.lock().unwrap_or_else(PoisonError::into_inner);
            stores.get(&key).cloned()
        };
        let store = find().ok_or_else(|| Error::not_found("store", &request.address))?;
        store.record_runs(std::slice::from_ref(run)).await?;
        Ok(0)
    }
}
