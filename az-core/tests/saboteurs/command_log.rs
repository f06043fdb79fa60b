//! Saboteurs of the commands that were run.

use async_trait::async_trait;
use az_core::log::{CommandLog, CommandRun, RunQuery};
use az_core::memory::MemoryStore;
use az_core::{Result, Timestamp};

super::support::saboteurs! {
    of command_log bending BendCommands;

    /// Breaks `CommandLog` 1.
    rounding_durations => [runs_are_returned_as_they_were_recorded] {
        async fn record_runs(&self, store: &MemoryStore, runs: &[CommandRun]) -> Result<()> {
            let mut runs = runs.to_vec();
            for run in &mut runs {
                run.micros &= 0xffff_ffff;
            }
            store.record_runs(&runs).await
        }
    }

    /// Breaks `CommandLog` 1.
    sorting_by_command => [runs_are_returned_oldest_first] {
        async fn runs(&self, store: &MemoryStore, query: &RunQuery) -> Result<Vec<CommandRun>> {
            let mut found = store.runs(query).await?;
            found.sort_by(|a, b| (a.at, &a.command).cmp(&(b.at, &b.command)));
            Ok(found)
        }
    }

    /// Breaks `CommandLog` 2.
    matching_the_beginning_of_a_command => [filters_of_runs_combine_by_and] {
        async fn runs(&self, store: &MemoryStore, query: &RunQuery) -> Result<Vec<CommandRun>> {
            let mut found = store.runs(&RunQuery { command: None, ..query.clone() }).await?;
            let part = query.command.as_deref().unwrap_or_default();
            found.retain(|run| run.command.starts_with(part));
            Ok(found)
        }
    }

    /// Breaks `CommandLog` 2.
    keeping_the_oldest_runs => [a_limit_returns_the_newest_runs] {
        async fn runs(&self, store: &MemoryStore, query: &RunQuery) -> Result<Vec<CommandRun>> {
            let mut found = store.runs(&RunQuery { limit: None, ..query.clone() }).await?;
            found.truncate(query.limit.unwrap_or(usize::MAX));
            Ok(found)
        }
    }

    /// Breaks `CommandLog` 3.
    pruning_by_age_alone => [pruning_removes_old_runs_and_those_above_a_number] {
        async fn prune_runs(
            &self,
            store: &MemoryStore,
            before: Timestamp,
            _keep: usize,
        ) -> Result<usize> {
            store.prune_runs(before, usize::MAX).await
        }
    }
}
