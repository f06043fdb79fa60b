//! The kit of [`StoreAdmin`].

use std::sync::Arc;

use async_trait::async_trait;

use super::kit::{Checked, Fixture, Violation};
use super::sample::{at, entry, hold, note, task, task_id};
use super::steps::begin;
use crate::journal::RunStore;
use crate::store::{StoreAdmin, StoreStatus};
use crate::{ensure, ensure_eq, scenarios};

/// A store of runs with status and check. Implemented for every type that is both.
pub trait AdminStore: RunStore + StoreAdmin {}

impl<S: RunStore + StoreAdmin + ?Sized> AdminStore for S {}

/// A fixture that can also open its storage read-only and with an earlier schema.
#[async_trait]
pub trait StoreAdminFixture: Fixture<dyn AdminStore> {
    /// Opens existing storage read-only, if the backend supports it.
    async fn open_read_only(&self) -> Arc<dyn AdminStore> {
        self.open().await
    }

    /// Puts storage of an earlier schema in place and returns that schema; `None` if the backend
    /// has only one.
    fn put_earlier_schema(&self) -> Option<u32> {
        None
    }
}

scenarios! {
    $crate
    /// Runs every scenario of [`StoreAdmin`]'s contract.
    store_admin for StoreAdminFixture, in store_admin_conformance;

    a_new_store_is_empty;
    the_status_counts_what_the_other_contracts_return;
    an_intact_store_has_no_problems;
    status_and_check_change_nothing;
    status_and_check_work_on_a_read_only_store;
    an_up_to_date_store_is_not_migrated;
    a_migration_is_reported_by_the_handle_that_made_it;
    cleaning_removes_nothing_that_is_used;
    what_was_cleaned_is_not_left_over;
}

/// The fixture of a scenario.
type Admins<'a> = &'a dyn StoreAdminFixture;

/// Returns the counts of tasks, events, ledger entries and holds.
const fn counts(status: StoreStatus) -> [u64; 4] {
    [status.tasks, status.events, status.entries, status.holds]
}

/// Stores four tasks, three events, two ledger entries and one hold.
async fn fill(store: &dyn AdminStore) -> Checked {
    let lease = begin(store, "t").await?;
    store.append(&lease, 0, vec![note("a"), note("b"), note("c")], at(1)).await?;
    for id in ["u", "v", "w"] {
        store.create(&task(id, 0)).await?;
    }
    for call in ["m0", "m1"] {
        store.book(&entry("t", call, 5, 1)).await?;
    }
    store.hold(&hold("u", "m0", 5, 1)).await?;
    Ok(())
}

/// Checks `StoreAdmin` 1.
async fn a_new_store_is_empty(fixture: Admins<'_>) -> Checked {
    let store = fixture.open().await;
    ensure_eq!(counts(store.status().await?), [0; 4], "a new store is not empty");
    ensure_eq!(store.migration(), None, "a new store was migrated");
    Ok(())
}

/// Checks `StoreAdmin` 1.
async fn the_status_counts_what_the_other_contracts_return(fixture: Admins<'_>) -> Checked {
    let store = fixture.open().await;
    fill(&*store).await?;
    let found = counts(store.status().await?);
    ensure_eq!(found, [4, 3, 2, 1], "tasks, events, ledger entries and holds");
    Ok(())
}

/// Checks `StoreAdmin` 2.
async fn an_intact_store_has_no_problems(fixture: Admins<'_>) -> Checked {
    let store = fixture.open().await;
    fill(&*store).await?;
    ensure_eq!(store.check().await?, [""; 0], "an intact store has problems");
    Ok(())
}

/// Checks `StoreAdmin` 3.
async fn status_and_check_change_nothing(fixture: Admins<'_>) -> Checked {
    let store = fixture.open().await;
    fill(&*store).await?;
    let before = (store.open_holds().await?, store.list(&Default::default()).await?);
    store.status().await?;
    store.check().await?;
    let after = (store.open_holds().await?, store.list(&Default::default()).await?);
    ensure_eq!(after, before, "status or check changed holds or tasks");
    Ok(())
}

/// Checks `StoreAdmin` 5.
async fn cleaning_removes_nothing_that_is_used(fixture: Admins<'_>) -> Checked {
    let store = fixture.open().await;
    fill(&*store).await?;
    let events = store.read(&task_id("t"), 0, usize::MAX).await?;
    let before = (store.open_holds().await?, store.list(&Default::default()).await?, events);
    store.leftovers().await?;
    fixture.open().await.clean().await?;
    let events = store.read(&task_id("t"), 0, usize::MAX).await?;
    let after = (store.open_holds().await?, store.list(&Default::default()).await?, events);
    ensure_eq!(after, before, "cleaning changed holds, tasks or events");
    ensure_eq!(store.check().await?, [""; 0], "a store has problems after it was cleaned");
    Ok(())
}

/// Checks `StoreAdmin` 5.
async fn what_was_cleaned_is_not_left_over(fixture: Admins<'_>) -> Checked {
    let store = fixture.open().await;
    fill(&*store).await?;
    let cleaned = store.clean().await?;
    let left = store.leftovers().await?;
    let again: Vec<_> = cleaned.iter().filter(|cleaned| left.contains(cleaned)).collect();
    ensure!(again.is_empty(), "{again:?} was cleaned and is left over");
    Ok(())
}

/// Checks `StoreAdmin` 3.
async fn status_and_check_work_on_a_read_only_store(fixture: Admins<'_>) -> Checked {
    let store = fixture.open().await;
    fill(&*store).await?;
    let reader = fixture.open_read_only().await;
    let found = counts(reader.status().await?);
    ensure_eq!(found, counts(store.status().await?), "the status of a store opened read-only");
    ensure_eq!(reader.check().await?, [""; 0], "a store opened read-only has problems");
    Ok(())
}

/// Checks `StoreAdmin` 4.
async fn an_up_to_date_store_is_not_migrated(fixture: Admins<'_>) -> Checked {
    fill(&*fixture.open().await).await?;
    for handle in [fixture.open().await, fixture.open_read_only().await] {
        ensure_eq!(handle.migration(), None, "a store that is up to date was migrated");
    }
    Ok(())
}

/// Checks `StoreAdmin` 4.
async fn a_migration_is_reported_by_the_handle_that_made_it(fixture: Admins<'_>) -> Checked {
    let Some(earlier) = fixture.put_earlier_schema() else {
        return Err(Violation::Unmet("an earlier schema"));
    };
    let store = fixture.open().await;
    let now = store.status().await?.schema;
    let Some(migration) = store.migration() else {
        return Err(Violation::Broken("a migration was not reported".to_owned()));
    };
    let found = (migration.from, Some(migration.to));
    ensure_eq!(found, (earlier, now), "the schemas of a migration");
    ensure!(!migration.backup.is_empty(), "the name of a migration's backup is empty");
    let later = fixture.open().await.migration();
    ensure_eq!(later, None, "a migration was reported by a later handle");
    Ok(())
}
