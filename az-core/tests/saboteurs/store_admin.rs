//! Saboteurs of the status and check of stores.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use az_core::cost::{BudgetKeeper, Settlement};
use az_core::memory::MemoryStore;
use az_core::store::{Leftover, StoreAdmin, StoreMigration, StoreStatus};
use az_core::testing::{AdminStore, Capabilities, Fixture, StoreAdminFixture, store_admin};
use az_core::{Error, Result};

use super::support::{BendRuns, Bent, saboteurs};

saboteurs! {
    of store_admin bending BendRuns;

    /// Breaks `StoreAdmin` 4.
    reporting_a_migration_of_every_store => [
        a_new_store_is_empty,
        an_up_to_date_store_is_not_migrated
    ] {
        fn migration(&self, _: &MemoryStore) -> Option<StoreMigration> {
            Some(from_the_first_schema())
        }
    }

    /// Breaks `StoreAdmin` 1.
    counting_from_one => [
        a_new_store_is_empty,
        the_status_counts_what_the_other_contracts_return
    ] {
        async fn status(&self, store: &MemoryStore) -> Result<StoreStatus> {
            let status = store.status().await?;
            Ok(StoreStatus { tasks: status.tasks + 1, ..status })
        }
    }

    /// Breaks `StoreAdmin` 1.
    taking_holds_for_entries => [the_status_counts_what_the_other_contracts_return] {
        async fn status(&self, store: &MemoryStore) -> Result<StoreStatus> {
            let status = store.status().await?;
            Ok(StoreStatus { entries: status.entries + status.holds, ..status })
        }
    }

    /// Breaks `StoreAdmin` 2.
    reporting_open_holds_as_problems => [
        an_intact_store_has_no_problems,
        status_and_check_work_on_a_read_only_store,
        cleaning_removes_nothing_that_is_used
    ] {
        async fn check(&self, store: &MemoryStore) -> Result<Vec<String>> {
            let holds = store.open_holds().await?;
            Ok(holds.iter().map(|hold| format!("{} is open", hold.call)).collect())
        }
    }

    /// Breaks `StoreAdmin` 3.
    settling_holds_in_passing => [status_and_check_change_nothing] {
        async fn check(&self, store: &MemoryStore) -> Result<Vec<String>> {
            for hold in store.open_holds().await? {
                store.settle(&hold.payer, &hold.call, &Settlement::Nothing).await?;
            }
            store.check().await
        }
    }

    /// Breaks `StoreAdmin` 5.
    settling_holds_to_clean_up => [cleaning_removes_nothing_that_is_used] {
        async fn clean(&self, store: &MemoryStore) -> Result<Vec<Leftover>> {
            for hold in store.open_holds().await? {
                store.settle(&hold.payer, &hold.call, &Settlement::Nothing).await?;
            }
            Ok(Vec::new())
        }
    }

    /// Breaks `StoreAdmin` 5.
    cleaning_up_nothing => [what_was_cleaned_is_not_left_over] {
        async fn leftovers(&self, _: &MemoryStore) -> Result<Vec<Leftover>> {
            Ok(vec![Leftover::new("a draft".to_owned(), 5)])
        }

        async fn clean(&self, store: &MemoryStore) -> Result<Vec<Leftover>> {
            self.leftovers(store).await
        }
    }
}

/// The scenarios that a fixture below fails.
pub(crate) const BROKEN_BY_FIXTURES: &[&str] = &[
    "status_and_check_work_on_a_read_only_store",
    "a_migration_is_reported_by_the_handle_that_made_it",
];

fn from_the_first_schema() -> StoreMigration {
    StoreMigration { from: 1, to: 2, backup: "schema1.bak".to_owned() }
}

/// Breaks `StoreAdmin` 3. A saboteur of handles that were opened read-only.
#[derive(Debug, Clone, Default)]
struct CheckingByWriting;

#[async_trait]
impl BendRuns for CheckingByWriting {
    async fn check(&self, _: &MemoryStore) -> Result<Vec<String>> {
        Err(Error::Internal("the store was opened read-only".to_owned()))
    }
}

/// Breaks `StoreAdmin` 4. A store that was migrated from schema 1 to 2, as its handle reports.
#[derive(Debug, Clone, Default)]
struct Migrated<const REPORTS: bool>;

#[async_trait]
impl<const REPORTS: bool> BendRuns for Migrated<REPORTS> {
    async fn status(&self, store: &MemoryStore) -> Result<StoreStatus> {
        Ok(StoreStatus { schema: Some(2), ..store.status().await? })
    }

    fn migration(&self, _: &MemoryStore) -> Option<StoreMigration> {
        REPORTS.then(from_the_first_schema)
    }
}

/// Storage in memory that pretends to have been of an earlier schema.
#[derive(Debug, Default)]
struct Pretender {
    store: MemoryStore,
    refuses_to_read_only: bool,
    /// How many handles report the migration.
    reports: Option<u32>,
    earlier: AtomicU32,
    opened: AtomicU32,
}

impl Pretender {
    fn bent<S: BendRuns>(&self) -> Arc<dyn AdminStore> {
        Arc::new(Bent::<S>::of(self.store.clone()))
    }
}

#[async_trait]
impl Fixture<dyn AdminStore> for Pretender {
    async fn open(&self) -> Arc<dyn AdminStore> {
        if self.earlier.load(Ordering::Relaxed) == 0 {
            return Arc::new(self.store.clone());
        }
        let opened = self.opened.fetch_add(1, Ordering::Relaxed);
        match self.reports {
            Some(reports) if opened < reports => self.bent::<Migrated<true>>(),
            _ => self.bent::<Migrated<false>>(),
        }
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::NONE
    }
}

#[async_trait]
impl StoreAdminFixture for Pretender {
    async fn open_read_only(&self) -> Arc<dyn AdminStore> {
        if self.refuses_to_read_only {
            return self.bent::<CheckingByWriting>();
        }
        self.open().await
    }

    fn put_earlier_schema(&self) -> Option<u32> {
        self.reports?;
        self.earlier.store(1, Ordering::Relaxed);
        Some(1)
    }
}

#[tokio::test]
async fn a_check_that_needs_to_write_fails_on_a_store_opened_read_only() {
    let make = || Pretender { refuses_to_read_only: true, ..Pretender::default() };
    assert_eq!(store_admin(make).await.failed(), [BROKEN_BY_FIXTURES[0]]);
}

#[tokio::test]
async fn a_migration_is_reported_once_and_not_never_or_twice() {
    for (reports, failed) in
        [(0, &BROKEN_BY_FIXTURES[1..]), (1, &[]), (2, &BROKEN_BY_FIXTURES[1..])]
    {
        let make = || Pretender { reports: Some(reports), ..Pretender::default() };
        assert_eq!(store_admin(make).await.failed(), failed, "{reports} reports");
    }
}
