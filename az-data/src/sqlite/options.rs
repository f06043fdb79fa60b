//! How a store is opened.

use std::time::Duration;

use az_core::cost::Calendar;
use az_core::store::Namespace;

/// How a [`SqliteStore`](super::SqliteStore) is opened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SqliteOptions {
    /// How long to wait for a lock that another process holds.
    pub busy_timeout: Duration,
    /// How many pages the file may have; as many as the disk holds when absent. Reaching it is
    /// refused like a full disk.
    pub max_page_count: Option<u32>,
    /// Where the days of budgets begin.
    pub calendar: Calendar,
    /// How many readers may read side by side.
    pub readers: usize,
    /// The namespace that the handle is bound to. Outside of the default one, a handle refuses
    /// [`SqlRepository`](crate::repository::SqlRepository), whose SQL reaches all of the file.
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
    /// Returns the options with another patience for locks.
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
