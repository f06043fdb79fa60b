//! Saboteurs of store factories.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::log::CommandRun;
use az_core::memory::{MemoryStore, MemoryStores};
use az_core::store::{Namespace, Store, StoreAccess, StoreAddress, StoreFactory, StoreRequest};
use az_core::task::TaskRepository;
use az_core::testing::{Capabilities, Fixture, StoreFactoryFixture, sample, store_factory};
use az_core::{Error, Result};

/// The scenarios that a factory of this file fails.
pub(crate) const BROKEN: &[&str] = &[
    "opening_an_address_again_reaches_the_same_data",
    "opening_to_write_creates_a_store",
    "opening_to_read_creates_nothing",
    "an_address_has_no_store_after_it_was_set_aside",
    "namespaces_of_an_address_share_nothing",
    "a_noted_run_is_returned_by_later_handles",
    "noting_a_run_creates_no_store",
];

/// The fault of a factory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Breaks `StoreFactory` 1.
    OpensAnother,
    /// Breaks `StoreFactory` 2.
    CreatesTasks,
    /// Breaks `StoreFactory` 3.
    FillsOnReading,
    /// Breaks `StoreFactory` 4.
    KeepsWhatIsSetAside,
    /// Breaks `StoreFactory` 5.
    IgnoresNamespaces,
    /// Breaks `StoreFactory` 6.
    ForgetsNotedRuns,
    /// Breaks `StoreFactory` 6.
    NotesIntoNewStores,
}

#[derive(Debug, Clone)]
struct BentFactory {
    stores: MemoryStores,
    fault: Fault,
}

#[async_trait]
impl StoreFactory for BentFactory {
    async fn open(&self, request: &StoreRequest) -> Result<Arc<dyn Store>> {
        if self.fault == Fault::OpensAnother && request.access == StoreAccess::ReadOnly {
            return Ok(Arc::new(MemoryStore::new()));
        }
        let mut request = request.clone();
        if self.fault == Fault::IgnoresNamespaces {
            request.namespace = Namespace::default();
        }
        let store = self.stores.open(&request).await?;
        let task = match (self.fault, request.access) {
            (Fault::CreatesTasks, StoreAccess::ReadWrite) => "made-by-opening",
            (Fault::FillsOnReading, StoreAccess::ReadOnly) => "made-by-reading",
            _ => return Ok(store),
        };
        TaskRepository::create(&*store, &sample::task(task, 0)).await?;
        Ok(store)
    }

    async fn set_aside(&self, request: &StoreRequest) -> Result<String> {
        match self.fault {
            Fault::KeepsWhatIsSetAside => Ok(request.address.to_string()),
            _ => Err(Error::invalid("store address", "setting aside is not supported")),
        }
    }

    async fn note_run(&self, request: &StoreRequest, run: &CommandRun) -> Result<u64> {
        match self.fault {
            Fault::ForgetsNotedRuns => self.stores.open(request).await.map(|_| 0),
            Fault::NotesIntoNewStores => {
                let store = self.stores.open(request).await?;
                store.record_runs(std::slice::from_ref(run)).await?;
                Ok(0)
            }
            _ => self.stores.note_run(request, run).await,
        }
    }
}

#[async_trait]
impl Fixture<dyn StoreFactory> for BentFactory {
    async fn open(&self) -> Arc<dyn StoreFactory> {
        Arc::new(self.clone())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }
}

impl StoreFactoryFixture for BentFactory {
    fn address(&self) -> StoreAddress {
        StoreAddress::new("memory", "").unwrap()
    }
}

/// Returns the scenarios that a factory with this fault fails.
async fn failed(fault: Fault) -> Vec<&'static str> {
    let make = || BentFactory { stores: MemoryStores::new(), fault };
    store_factory(make).await.failed()
}

#[tokio::test]
async fn every_fault_fails_the_scenarios_of_its_clause() {
    let &[again, write, read, aside, namespaces, noted, creating] = BROKEN else {
        panic!("seven scenarios")
    };
    assert_eq!(failed(Fault::OpensAnother).await, [again, aside, noted]);
    assert_eq!(failed(Fault::CreatesTasks).await, [again, write, aside, namespaces]);
    assert_eq!(failed(Fault::FillsOnReading).await, [again, write, read, aside]);
    assert_eq!(failed(Fault::KeepsWhatIsSetAside).await, [aside]);
    assert_eq!(failed(Fault::IgnoresNamespaces).await, [namespaces]);
    assert_eq!(failed(Fault::ForgetsNotedRuns).await, [noted, creating]);
    assert_eq!(failed(Fault::NotesIntoNewStores).await, [creating]);
}
