//! The contract of store factories.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::address::StoreAddress;
use super::contract::Store;
use super::namespace::Namespace;
use crate::cost::Calendar;
use crate::error::{Error, Result};
use crate::log::CommandRun;

/// Opens the stores of one scheme.
///
/// # Contract
///
/// 1. Opening an address again, with the same factory, returns a store with the same data.
/// 2. Opening with [`StoreAccess::ReadWrite`] creates a store that does not exist and migrates an
///    older schema.
/// 3. Opening with [`StoreAccess::ReadOnly`] creates and changes nothing: a store that does not
///    exist is [`Error::NotFound`], or an empty store if the backend has nothing to create.
/// 4. After [`set_aside`](Self::set_aside) the address has no store in any namespace, and its data
///    is kept under the returned name, however the process ends meanwhile. A backend that does not
///    support this returns [`Error::Invalid`], and one that does not support it for a store that is
///    open elsewhere [`Error::Busy`]; nothing is changed then.
/// 5. Handles of two namespaces of one address share nothing. A backend without namespaces refuses
///    every one but the default with [`Error::Invalid`].
/// 6. A run that was [noted](Self::note_run) is one of the [runs](crate::log::CommandLog::runs) of every handle that
///    is opened afterwards. Noting a run opens no store, waits for no lock and creates no store: one that
///    does not exist is [`Error::NotFound`]. A backend that does not support it returns
///    [`Error::Invalid`].
#[async_trait]
pub trait StoreFactory: fmt::Debug + Send + Sync + 'static {
    /// Opens the store that the request names.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Invalid` for an invalid target, or the backend's own.
    async fn open(&self, request: &StoreRequest) -> Result<Arc<dyn Store>>;

    /// Moves the data of a store aside; returns the name under which it is kept.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is no store, `Invalid` if the backend does not support it, or the
    /// backend's own.
    async fn set_aside(&self, request: &StoreRequest) -> Result<String> {
        Err(Error::invalid(
            "store address",
            format!(
                "{} does not support setting data aside; back the store up and empty it by hand",
                request.address
            ),
        ))
    }

    /// Records a command in a store that this process has not opened for writing. Returns the size of
    /// what waits to be [collected](crate::log::CommandLog::collect_runs), in bytes.
    ///
    /// # Errors
    ///
    /// `NotFound` if there is no store, `Invalid` if the backend does not support it, or the backend's
    /// own; the run is not recorded then.
    async fn note_run(&self, request: &StoreRequest, _run: &CommandRun) -> Result<u64> {
        let reason = format!("{} records commands only while it is open", request.address);
        Err(Error::invalid("store address", reason))
    }
}

/// A request to open a store.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoreRequest {
    /// The address.
    pub address: StoreAddress,
    /// Whether the caller writes.
    pub access: StoreAccess,
    /// The calendar that decides when the periods of budgets begin.
    pub calendar: Calendar,
    /// The namespace that the handle is bound to.
    pub namespace: Namespace,
}

impl StoreRequest {
    /// Creates a request for the default namespace, with the calendar of UTC.
    pub fn new(address: StoreAddress, access: StoreAccess) -> Self {
        let (calendar, namespace) = (Calendar::default(), Namespace::default());
        Self { address, access, calendar, namespace }
    }

    /// Returns the request with another calendar.
    #[must_use]
    pub fn with_calendar(mut self, calendar: Calendar) -> Self {
        self.calendar = calendar;
        self
    }

    /// Returns the request with another namespace.
    #[must_use]
    pub fn with_namespace(mut self, namespace: Namespace) -> Self {
        self.namespace = namespace;
        self
    }
}

/// Whether the caller of a store writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreAccess {
    /// The caller only reads. A backend takes no locks, starts no threads and migrates nothing.
    ReadOnly,
    /// The caller reads and writes.
    ReadWrite,
}
