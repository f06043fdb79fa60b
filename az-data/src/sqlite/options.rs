//! The options of a store.

use std::time::Duration;

use az_core::cost::Calendar;
use az_core::store::Namespace;

/// The options of a [`SqliteStore`](super::SqliteStore).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// The longest wait for a lock of another process.
    pub busy_timeout: Duration,
    /// The largest number of pages of the file; unlimited if absent. Reaching it is an error like a
    /// full disk.
    pub max_page_count: Option<u32>,
    /// The calendar that decides when the periods of budgets begin.
    pub calendar: Calendar,
    /// The largest number of concurrent readers.
    pub readers: usize,
    /// The namespace that the handle is bound to. A handle of another namespace than the default
    /// refuses [`SqlRepository`](crate::repository::SqlRepository), whose SQL reaches the whole
    /// file.
    pub namespace: Namespace,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            busy_timeout: Duration::from_secs(10),
            max_page_count: None,
            calendar: Calendar::default(),
            readers: 4,
            namespace: Namespace::default(),
        }
    }
}

impl SqliteOptions {
    /// Returns the options with another timeout for locks.
    #[must_use]
    pub const fn with_busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// Returns the options with a largest size of the file, in pages.
    #[must_use]
    pub const fn with_max_page_count(mut self, pages: u32) -> Self {
        self.max_page_count = Some(pages);
        self
    }

    /// Returns the options with another calendar.
    #[must_use]
    pub fn with_calendar(mut self, calendar: Calendar) -> Self {
        self.calendar = calendar;
        self
    }

    /// Returns the options with another number of readers; at least one is kept.
    #[must_use]
    pub const fn with_readers(mut self, readers: usize) -> Self {
        self.readers = readers;
        self
    }

    /// Returns the options with another namespace.
    #[must_use]
    pub fn with_namespace(mut self, namespace: Namespace) -> Self {
        self.namespace = namespace;
        self
    }
}
