//! Saboteurs of what an operator sees of a store.

use async_trait::async_trait;
use az_core::Result;
use az_core::cost::{BudgetKeeper, Settlement};
use az_core::memory::MemoryStore;
use az_core::store::{StoreAdmin, StoreStatus};

super::support::saboteurs! {
    of store_admin bending BendRuns;

    counting_from_one => [
        a_new_store_holds_nothing,
        a_status_counts_what_the_other_contracts_return
    ] {
        async fn status(&self, store: &MemoryStore) -> Result<StoreStatus> {
            let status = store.status().await?;
            Ok(StoreStatus { tasks: status.tasks + 1, ..status })
        }
    }

    taking_holds_for_entries => [a_status_counts_what_the_other_contracts_return] {
        async fn status(&self, store: &MemoryStore) -> Result<StoreStatus> {
            let status = store.status().await?;
            Ok(StoreStatus { entries: status.entries + status.holds, ..status })
        }
    }

    reporting_open_holds_as_problems => [a_sound_store_has_no_problems] {
        async fn check(&self, store: &MemoryStore) -> Result<Vec<String>> {
            let holds = store.open_holds().await?;
            Ok(holds.iter().map(|hold| format!("{} is open", hold.call)).collect())
        }
    }

    settling_holds_in_passing => [a_look_changes_nothing] {
        async fn check(&self, store: &MemoryStore) -> Result<Vec<String>> {
            for hold in store.open_holds().await? {
                store.settle(&hold.payer, &hold.call, &Settlement::Nothing).await?;
            }
            store.check().await
        }
    }
}
