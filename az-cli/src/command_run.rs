//! Records the command that runs: its words, its duration and its exit code.

use std::time::{Duration, Instant};

use az_core::clock::{Clock, SystemClock, earlier};
use az_core::log::CommandRun;
use az_core::store::{StoreAccess, StoreRegistry, StoreRequest};
use az_core::{Error, Timestamp};

use crate::error::CliError;
use crate::services::Services;

/// The size of what waits to be moved into the store, in bytes, from which on a command does so. It takes as long as
/// a command that writes, and is due once in some hundred commands that only read.
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
        Ok(Self { stores, request, keep: services.settings().log.keep() })
    }

    /// Records the command. A store that does not exist or cannot be written is no reason to fail.
    pub(crate) async fn record(&self, begun: Beginning, command: &str, exit_code: u8) {
        let micros = u64::try_from(begun.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        let run = CommandRun::new(begun.at, command, micros, exit_code);
        if let Ok(waiting) = self.stores.note_run(&self.request, &run).await
            && waiting > COLLECT
        {
            self.collect().await.ok();
        }
    }

    /// Moves the commands that were noted into the store, and removes the oldest ones.
    async fn collect(&self) -> Result<(), Error> {
        let request = StoreRequest::new(self.request.address.clone(), StoreAccess::ReadWrite);
        let request = request.with_calendar(self.request.calendar.clone());
        let store = self.stores.open(&request).await?;
        store.collect_runs().await?;
        store.prune_runs(earlier(SystemClock.now(), self.keep), KEPT).await?;
        Ok(())
    }
}
