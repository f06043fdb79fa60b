//! The backends that a command runs on, and how a program of one's own replaces them.

use std::sync::Arc;
use std::time::Duration;

use az_ai::resolver::near;
use az_core::engine::EngineOptions;
use az_core::journal::RunStore;
use az_core::memory::MemoryStores;
use az_core::store::{StoreFactory, StoreRegistry};
use az_core::{Toolbox, WorkerId};
use az_data::sqlite::{SqliteOptions, SqliteStores};

use crate::config::Env;
use crate::error::CliError;
use crate::models::did_you_mean;
use crate::settings::StoreSetting;

/// Wraps the store that runs are recorded in.
type WrapRunStore = fn(Arc<dyn RunStore>) -> Arc<dyn RunStore>;
/// Wraps the tools that agents get.
type WrapToolbox = fn(Arc<dyn Toolbox>) -> Arc<dyn Toolbox>;

/// The backends of an `az` of one's own: its stores by scheme, its tools.
///
/// ```
/// use std::sync::Arc;
/// use az_core::memory::MemoryStores;
///
/// // `az --store mine:anything task list` now reads this store, as every other command does.
/// let wiring = az_cli::Wiring::default().with_store("mine", Arc::new(MemoryStores::new()));
/// ```
#[derive(Debug, Clone)]
pub struct Wiring {
    stores: Vec<(String, Arc<dyn StoreFactory>)>,
    run_store: WrapRunStore,
    toolbox: WrapToolbox,
}

impl Default for Wiring {
    /// Returns the backends of `az` itself.
    fn default() -> Self {
        Self { stores: Vec::new(), run_store: |store| store, toolbox: |toolbox| toolbox }
    }
}

impl Wiring {
    /// Returns the wiring with a factory for the store addresses of a scheme. It replaces the
    /// bundled one of that scheme.
    #[must_use]
    pub fn with_store(mut self, scheme: &str, factory: Arc<dyn StoreFactory>) -> Self {
        self.stores.push((scheme.to_owned(), factory));
        self
    }

    /// Returns the wiring with a wrapper around the store that the engine records runs in. Commands
    /// that only read do not pass through it.
    #[must_use]
    pub fn with_run_store(mut self, wrap: WrapRunStore) -> Self {
        self.run_store = wrap;
        self
    }

    /// Returns the wiring with a wrapper around the built-in tools, or a replacement of them.
    #[must_use]
    pub fn with_toolbox(mut self, wrap: WrapToolbox) -> Self {
        self.toolbox = wrap;
        self
    }

    /// Returns the factories of all schemes: `sqlite`, `memory`, and one's own.
    ///
    /// # Errors
    ///
    /// A settings error for a variable of SQLite that is not a number.
    pub(crate) fn stores(&self, env: &Env) -> Result<StoreRegistry, CliError> {
        let bundled = StoreRegistry::new()
            .with("sqlite", Arc::new(SqliteStores::new(sqlite_options(env)?)))
            .with("memory", Arc::new(MemoryStores::new()));
        let own = self.stores.iter();
        Ok(own.fold(bundled, |registry, (scheme, factory)| {
            registry.with(scheme.clone(), Arc::clone(factory))
        }))
    }

    /// Returns the store that the engine records runs in.
    pub(crate) fn run_store(&self, store: Arc<dyn RunStore>) -> Arc<dyn RunStore> {
        (self.run_store)(store)
    }

    /// Returns the tools that agents get.
    pub(crate) fn toolbox(&self, toolbox: Arc<dyn Toolbox>) -> Arc<dyn Toolbox> {
        (self.toolbox)(toolbox)
    }
}

/// Checks that there is a factory for the scheme of an address.
///
/// # Errors
///
/// An error that names where the address comes from, the known schemes, and the nearest of them.
pub(crate) fn check_scheme(store: &StoreSetting, known: &StoreRegistry) -> Result<(), CliError> {
    let scheme = store.address.scheme();
    if known.schemes().any(|known| known == scheme) {
        return Ok(());
    }
    let likely = did_you_mean(&near(scheme, known.schemes()));
    let known = known.schemes().collect::<Vec<_>>().join(", ");
    Err(store.problem(&format!("unknown store scheme {scheme:?}; known schemes: {known}{likely}")))
}

/// Reads the limits of SQLite: `AZ_DB_MAX_PAGES` caps the file's size, `AZ_DB_BUSY_MS` the wait for
/// a lock. Tests use them to simulate a full disk and a locked file.
fn sqlite_options(env: &Env) -> Result<SqliteOptions, CliError> {
    let mut options = SqliteOptions::default();
    if let Some(pages) = number(env, "AZ_DB_MAX_PAGES")? {
        options = options.with_max_page_count(pages);
    }
    if let Some(millis) = number(env, "AZ_DB_BUSY_MS")? {
        options = options.with_busy_timeout(Duration::from_millis(millis.into()));
    }
    Ok(options)
}

/// Returns the options of an engine for a worker. `AZ_LEASE_MS` sets the duration of its leases, and
/// `AZ_SNAPSHOT_EVERY` the number of events before a snapshot; tests use them to let a lease expire soon,
/// and to get a snapshot of a short record.
pub(crate) fn engine_options(env: &Env, worker: WorkerId) -> Result<EngineOptions, CliError> {
    let mut options = EngineOptions::new(worker);
    if let Some(millis) = number(env, "AZ_LEASE_MS")? {
        let shortest = 100;
        if millis < shortest {
            let reason = format!("AZ_LEASE_MS must be at least {shortest}");
            return Err(CliError::Settings(reason));
        }
        options.lease = Duration::from_millis(millis.into());
        options.poll = options.poll.min(options.lease / 6);
    }
    if let Some(events) = number(env, "AZ_SNAPSHOT_EVERY")? {
        options.snapshot_every = events.into();
    }
    Ok(options)
}

fn number(env: &Env, name: &'static str) -> Result<Option<u32>, CliError> {
    match env.get(name).map(str::parse::<u32>) {
        None => Ok(None),
        Some(Ok(number)) => Ok(Some(number)),
        Some(Err(_)) => Err(CliError::Settings(format!("{name} must be a whole number"))),
    }
}
