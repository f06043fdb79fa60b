//! What opens the stores of a scheme.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::address::StoreAddress;
use super::contract::Store;
use super::namespace::Namespace;
use crate::cost::Calendar;
use crate::error::{Error, Result};

/// Opens the stores of one scheme.
///
/// # Contract
///
/// 1. Opening an address again, with the same factory, reaches the same data.
/// 2. Opening with [`StoreAccess::ReadWrite`] creates a store that does not exist and brings an
///    older schema up to date.
/// 3. Opening with [`StoreAccess::ReadOnly`] creates and changes nothing: a store that does not
///    exist is [`Error::NotFound`], or an empty store where the backend has nothing to create.
/// 4. After [`set_aside`](Self::set_aside) the address has no store in any namespace, and what it
///    had is kept under the name that is returned. A backend that cannot do that refuses with [`Error::Invalid`] and
///    changes nothing.
/// 5. Handles of two namespaces of one address share nothing. A backend that cannot keep namespaces
///    apart refuses every one but the default with [`Error::Invalid`].
#[async_trait]
pub trait StoreFactory: fmt::Debug + Send + Sync + 'static {
    /// Opens the store that the request names.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Invalid` for a target that makes no sense, or the backend's own.
    async fn open(&self, request: &StoreRequest) -> Result<Arc<dyn Store>>;

    /// Moves the data of a store aside; returns the name under which it is kept.
    ///
    /// # Errors
    ///
    /// `NotFound` where there is no store, `Invalid` where the backend cannot do it, or the
    /// backend's own.
    async fn set_aside(&self, request: &StoreRequest) -> Result<String> {
        Err(Error::invalid(
            "store address",
            format!("{} cannot be set aside; back it up and empty it yourself", request.address),
        ))
    }
}

/// What a factory is asked to open.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StoreRequest {
    /// The address.
    pub address: StoreAddress,
    /// Whether the caller writes.
    pub access: StoreAccess,
    /// The calendar that decides where the days of budgets begin.
    pub calendar: Calendar,
    /// The namespace that the handle is bound to.
    pub namespace: Namespace,
}

impl StoreRequest {
    /// Returns a request for the default namespace, with the calendar of UTC.
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
