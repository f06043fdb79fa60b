//! Records the command that runs: its words, its duration and its exit code.

use std::sync::Arc;
use std::time::{Duration, Instant};

use az_core::clock::{Clock, SystemClock, earlier};
use az_core::log::CommandRun;
use az_core::store::{Store, StoreAccess, StoreRegistry, StoreRequest};
use az_core::{Error, Timestamp};
use tokio::sync::OnceCell;

use crate::error::CliError;
use crate::services::Services;

/// The size of what waits to be moved into the store, in bytes, from which on a command that writes does so.
const COLLECT: u64 = 64 << 10;
/// The most commands that a store keeps.
const KEPT: usize = 100_000;

/// When a command began.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beginning {
    at: Timestamp,
    since: Instant,
}

impl Beginning {
    /// Returns the present.
    pub(crate) fn now() -> Self {
        Self { at: SystemClock.now(), since: Instant::now() }
    }
}

/// Where a command is recorded.
#[derive(Debug)]
pub(crate) struct RunTarget {
    stores: StoreRegistry,
    request: StoreRequest,
    /// The store, if the command has opened it for writing.
    open: Arc<OnceCell<Arc<dyn Store>>>,
    keep: Duration,
}

impl RunTarget {
    /// Returns the store of services.
    ///
    /// # Errors
    ///
    /// A usage or settings error for an address of an unknown scheme.
    pub(crate) fn of(services: &Services) -> Result<Self, CliError> {
        let stores = services.stores().clone();
        let request = services.store_request(StoreAccess::ReadOnly)?;
        let (open, keep) = (services.open(), services.settings().log.keep());
        Ok(Self { stores, request, open, keep })
    }

    /// Records the command. A store that does not exist or cannot be written is no reason to fail.
    pub(crate) async fn record(&self, begun: Beginning, command: &str, exit_code: u8) {
        let micros = u64::try_from(begun.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        let run = CommandRun::new(begun.at, command, micros, exit_code);
        if let Ok(waiting) = self.stores.note_run(&self.request, &run).await
            && waiting > COLLECT
            && let Some(store) = self.open.get()
        {
            self.collect(&**store).await.ok();
        }
    }

    /// Moves the commands that were noted into the store, and removes the oldest ones.
    async fn collect(&self, store: &dyn Store) -> Result<(), Error> {
        store.collect_runs().await?;
        store.prune_runs(earlier(SystemClock.now(), self.keep), KEPT).await?;
        Ok(())
    }
}
