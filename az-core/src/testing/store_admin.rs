//! The kit of [`StoreAdmin`].

use super::kit::{Checked, Fixture};
use super::play::begin;
use super::sample::{at, entry, hold, note, task};
use crate::journal::RunStore;
use crate::store::{StoreAdmin, StoreStatus};
use crate::{ensure_eq, scenarios};

/// A store of runs that an operator can look at. Implemented for every type that is both.
pub trait AdminStore: RunStore + StoreAdmin {}

impl<S: RunStore + StoreAdmin + ?Sized> AdminStore for S {}

scenarios! {
    $crate
    /// Plays every scenario of [`StoreAdmin`]'s contract.
    store_admin for Fixture<dyn AdminStore>, in store_admin_conformance;

    a_new_store_holds_nothing;
    a_status_counts_what_the_other_contracts_return;
    a_sound_store_has_no_problems;
    a_look_changes_nothing;
}

/// What the scenarios are played with.
type Admins<'a> = &'a dyn Fixture<dyn AdminStore>;

/// Returns how much is in a store: tasks, events, ledger entries, holds.
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

async fn a_new_store_holds_nothing(fixture: Admins<'_>) -> Checked {
    let store = fixture.open().await;
    ensure_eq!(counts(store.status().await?), [0; 4], "a new store is not empty");
    ensure_eq!(store.migration(), None, "a new store was migrated");
    Ok(())
}

async fn a_status_counts_what_the_other_contracts_return(fixture: Admins<'_>) -> Checked {
    let store = fixture.open().await;
    fill(&*store).await?;
    let found = counts(store.status().await?);
    ensure_eq!(found, [4, 3, 2, 1], "tasks, events, ledger entries and holds");
    Ok(())
}

async fn a_sound_store_has_no_problems(fixture: Admins<'_>) -> Checked {
    let store = fixture.open().await;
    fill(&*store).await?;
    ensure_eq!(store.check().await?, [""; 0], "a sound store has problems");
    Ok(())
}

async fn a_look_changes_nothing(fixture: Admins<'_>) -> Checked {
    let store = fixture.open().await;
    fill(&*store).await?;
    let before = (store.open_holds().await?, store.list(&Default::default()).await?);
    store.status().await?;
    store.check().await?;
    let after = (store.open_holds().await?, store.list(&Default::default()).await?);
    ensure_eq!(after, before, "a look at the store changed holds or tasks");
    Ok(())
}
