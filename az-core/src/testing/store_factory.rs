//! The kit of [`StoreFactory`].

use std::sync::Arc;

use super::kit::{Checked, Fixture};
use super::sample::{at, entry, task, task_id};
use crate::config::ConfigManager;
use crate::cost::TimeRange;
use crate::error::Error;
use crate::log::{CommandRun, RunQuery};
use crate::money::Usd;
use crate::store::{Namespace, Store, StoreAccess, StoreAddress, StoreFactory, StoreRequest};
use crate::task::TaskRepository;
use crate::{ensure, ensure_eq, scenarios};

/// A factory, and the address of a store that does not exist yet.
pub trait StoreFactoryFixture: Fixture<dyn StoreFactory> {
    /// Returns the address.
    fn address(&self) -> StoreAddress;
}

scenarios! {
    $crate
    /// Runs every scenario of [`StoreFactory`]'s contract.
    store_factory for StoreFactoryFixture, in store_factory_conformance;

    opening_an_address_again_reaches_the_same_data;
    opening_to_write_creates_a_store;
    opening_to_read_creates_nothing;
    an_address_has_no_store_after_it_was_set_aside;
    namespaces_of_an_address_share_nothing;
    a_noted_run_is_returned_by_later_handles;
    noting_a_run_creates_no_store;
}

/// The fixture of a scenario.
type Factories<'a> = &'a dyn StoreFactoryFixture;

fn request(fixture: Factories<'_>, access: StoreAccess) -> StoreRequest {
    StoreRequest::new(fixture.address(), access)
}

/// Opens the store to write, and creates a task in it.
async fn write(fixture: Factories<'_>, id: &str) -> Checked {
    let factory = fixture.open().await;
    let store = factory.open(&request(fixture, StoreAccess::ReadWrite)).await?;
    store.create(&task(id, 0)).await?;
    Ok(())
}

/// Opens the store to read; returns the ids of its tasks, or `None` if there is no store.
async fn read(fixture: Factories<'_>) -> Checked<Option<Vec<String>>> {
    let factory = fixture.open().await;
    match factory.open(&request(fixture, StoreAccess::ReadOnly)).await {
        Ok(store) => ids(&store).await.map(Some),
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn ids(store: &Arc<dyn Store>) -> Checked<Vec<String>> {
    let tasks = TaskRepository::list(&**store, &Default::default()).await?;
    Ok(tasks.into_iter().map(|task| task.id.to_string()).collect())
}

/// Checks `StoreFactory` 1.
async fn opening_an_address_again_reaches_the_same_data(fixture: Factories<'_>) -> Checked {
    write(fixture, "a").await?;
    write(fixture, "b").await?;
    let mut found = read(fixture).await?.unwrap_or_default();
    found.sort();
    ensure_eq!(found, ["a", "b"], "the tasks of an address that was opened three times");
    Ok(())
}

/// Checks `StoreFactory` 2.
async fn opening_to_write_creates_a_store(fixture: Factories<'_>) -> Checked {
    let factory = fixture.open().await;
    let store = factory.open(&request(fixture, StoreAccess::ReadWrite)).await?;
    ensure_eq!(ids(&store).await?, [""; 0], "a new store has tasks");
    ensure_eq!(read(fixture).await?, Some(Vec::new()), "the tasks of a new store, opened to read");
    Ok(())
}

/// Checks `StoreFactory` 3.
async fn opening_to_read_creates_nothing(fixture: Factories<'_>) -> Checked {
    let first = read(fixture).await?;
    ensure!(
        first.clone().unwrap_or_default().is_empty(),
        "the tasks of a store that was never written"
    );
    ensure_eq!(read(fixture).await?, first, "opening to read created a store");
    Ok(())
}

/// Checks `StoreFactory` 4.
async fn an_address_has_no_store_after_it_was_set_aside(fixture: Factories<'_>) -> Checked {
    write(fixture, "a").await?;
    let factory = fixture.open().await;
    match factory.set_aside(&request(fixture, StoreAccess::ReadWrite)).await {
        Ok(kept) => {
            ensure!(!kept.is_empty(), "the name of the data that was set aside is empty");
            let left = read(fixture).await?.unwrap_or_default();
            ensure_eq!(left, [""; 0], "the tasks at the address after its data was set aside");
        }
        Err(Error::Invalid { .. }) => {
            let left = read(fixture).await?.unwrap_or_default();
            ensure_eq!(left, ["a"], "the tasks after setting aside was refused");
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Checks `StoreFactory` 5.
async fn namespaces_of_an_address_share_nothing(fixture: Factories<'_>) -> Checked {
    let factory = fixture.open().await;
    let request = request(fixture, StoreAccess::ReadWrite);
    let default = factory.open(&request).await?;
    fill(&*default, 5).await?;
    let request = request.with_namespace(Namespace::new("other")?);
    let other = match factory.open(&request).await {
        Ok(other) => other,
        // A backend without namespaces.
        Err(Error::Invalid { .. }) => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    ensure_eq!(found(&*other).await?, (0, None, Usd::ZERO), "a new namespace is not empty");
    fill(&*other, 7).await?;
    let expected = |nanos: i64| (1, Some(nanos.into()), Usd::from_nanos(nanos));
    ensure_eq!(found(&*default).await?, expected(5), "another namespace changed the default one");
    ensure_eq!(found(&*other).await?, expected(7), "a namespace");
    TaskRepository::delete(&*default, &task_id("a"), at(1)).await?;
    ensure_eq!(found(&*other).await?, expected(7), "a deletion reached another namespace");
    Ok(())
}

/// Stores a task, a setting and a ledger entry, under names that are always the same.
async fn fill(store: &dyn Store, nanos: i64) -> Checked {
    TaskRepository::create(store, &task("a", 0)).await?;
    store.set("key", &nanos.into()).await?;
    store.book(&entry("a", "m0", nanos, 1)).await?;
    Ok(())
}

/// Returns how many tasks a store has, its setting, and the total of its ledger.
async fn found(store: &dyn Store) -> Checked<(usize, Option<serde_json::Value>, Usd)> {
    let tasks = TaskRepository::list(store, &Default::default()).await?.len();
    let setting = ConfigManager::get(store, "key").await?;
    Ok((tasks, setting, store.total_in(TimeRange::ALL).await?))
}

/// Checks `StoreFactory` 6.
async fn a_noted_run_is_returned_by_later_handles(fixture: Factories<'_>) -> Checked {
    let factory = fixture.open().await;
    let request = request(fixture, StoreAccess::ReadWrite);
    let store = factory.open(&request).await?;
    store.record_runs(&[noted(1)]).await?;
    drop(store);
    match factory.note_run(&request, &noted(2)).await {
        // A backend that does not support it.
        Err(Error::Invalid { .. }) => return Ok(()),
        result => drop(result?),
    }
    factory.note_run(&request, &noted(3)).await?;
    let expected = [noted(1), noted(2), noted(3)];
    let to_read = StoreRequest { access: StoreAccess::ReadOnly, ..request.clone() };
    for request in [&to_read, &request, &to_read] {
        let store = factory.open(request).await?;
        let found = store.runs(&RunQuery::default()).await?;
        ensure_eq!(found, expected, "the runs of a handle for {:?}", request.access);
        if request.access == StoreAccess::ReadWrite {
            store.collect_runs().await?;
            let found = store.runs(&RunQuery::default()).await?;
            ensure_eq!(found, expected, "the runs after they were collected");
            ensure_eq!(store.collect_runs().await?, 0, "runs that are collected again");
        }
    }
    Ok(())
}

/// Checks `StoreFactory` 6.
async fn noting_a_run_creates_no_store(fixture: Factories<'_>) -> Checked {
    let factory = fixture.open().await;
    let request = request(fixture, StoreAccess::ReadOnly);
    let noted = factory.note_run(&request, &noted(1)).await;
    ensure!(
        matches!(noted, Err(Error::NotFound { .. } | Error::Invalid { .. })),
        "noting a run without a store: {noted:?}"
    );
    match factory.open(&request).await {
        Ok(store) => ensure_eq!(store.runs(&RunQuery::default()).await?, [], "a run was kept"),
        Err(Error::NotFound { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn noted(minute: i64) -> CommandRun {
    CommandRun::new(at(minute), "task list", 900, 0)
}
