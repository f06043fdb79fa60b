//! The registry of store backends by scheme.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::contract::Store;
use super::factory::{StoreFactory, StoreRequest};
use crate::error::{Error, Result};
use crate::log::CommandRun;

/// Store factories by the schemes of their addresses.
///
/// ```
/// use std::sync::Arc;
/// use az_core::memory::MemoryStores;
/// use az_core::store::{StoreAccess, StoreRegistry, StoreRequest};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let registry = StoreRegistry::new().with("memory", Arc::new(MemoryStores::new()));
/// let request = StoreRequest::new("memory:".parse()?, StoreAccess::ReadWrite);
/// let store = registry.open(&request).await?;
/// assert_eq!(store.status().await?.tasks, 0);
/// # Ok::<(), az_core::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct StoreRegistry(BTreeMap<String, Arc<dyn StoreFactory>>);

impl StoreRegistry {
    /// Creates a registry without schemes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the registry with a factory for a scheme, which replaces an earlier one.
    #[must_use]
    pub fn with(mut self, scheme: impl Into<String>, factory: Arc<dyn StoreFactory>) -> Self {
        self.0.insert(scheme.into(), factory);
        self
    }

    /// Returns the known schemes in alphabetical order.
    pub fn schemes(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Opens the requested store.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] for an unknown scheme, else the factory's own.
    pub async fn open(&self, request: &StoreRequest) -> Result<Arc<dyn Store>> {
        self.factory(request)?.open(request).await
    }

    /// Moves the data of the requested store aside; returns the name under which it is kept.
    ///
    /// # Errors
    ///
    /// Those of [`open`](Self::open).
    pub async fn set_aside(&self, request: &StoreRequest) -> Result<String> {
        self.factory(request)?.set_aside(request).await
    }

    /// Records a command in the requested store without opening it. Returns the size of what waits to be
    /// collected, in bytes.
    ///
    /// # Errors
    ///
    /// Those of [`StoreFactory::note_run`], and [`Error::Invalid`] for an unknown scheme.
    pub async fn note_run(&self, request: &StoreRequest, run: &CommandRun) -> Result<u64> {
        self.factory(request)?.note_run(request, run).await
    }

    fn factory(&self, request: &StoreRequest) -> Result<&Arc<dyn StoreFactory>> {
        let scheme = request.address.scheme();
        self.0.get(scheme).ok_or_else(|| {
            let known = self.schemes().collect::<Vec<_>>().join(", ");
            let reason = format!("unknown scheme {scheme:?}; known schemes: {known}");
            Error::invalid("store address", reason)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::StoreRegistry;
    use crate::memory::MemoryStores;
    use crate::store::{StoreAccess, StoreRequest};

    #[tokio::test]
    async fn an_unknown_scheme_is_refused_with_the_known_ones() {
        let memory = Arc::new(MemoryStores::new());
        let registry = StoreRegistry::new().with("memory", Arc::clone(&memory) as _);
        let registry = registry.with("mine", memory);
        let request = StoreRequest::new("sqlit:x".parse().unwrap(), StoreAccess::ReadOnly);
        let error = registry.open(&request).await.unwrap_err();
        let text = "invalid store address: unknown scheme \"sqlit\"; known schemes: memory, mine";
        assert_eq!(error.to_string(), text);
    }
}
