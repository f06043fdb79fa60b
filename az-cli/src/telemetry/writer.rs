//! Writes the queue into the log of the store, and removes its oldest records.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use az_core::clock::{Clock, SystemClock, earlier};
use az_core::log::{Level, LogRecord, LogRetention, LogStore};
use az_core::store::Store;

use super::queue::{Batch, LogQueue};
use crate::config::LogSection;
use crate::redact::Redactor;

/// The most records that are written in one transaction.
const BATCH: usize = 512;
/// How long to wait between two checks of the log's age and size.
const CHECK: Duration = Duration::from_secs(3600);
/// The number of records that are written between two checks.
const CHECK_AFTER: usize = 20_000;
/// How often a check may remove records: a command that ends soon does not clean up years.
const ROUNDS: usize = 40;

/// The log of a store, and what is kept in it.
pub(super) struct StoredLog {
    pub(super) store: Arc<dyn Store>,
    pub(super) section: LogSection,
    pub(super) redactor: Redactor,
}

/// Writes records, with secrets masked, until the queue is closed and empty; returns how many could not be
/// written, with the last reason.
pub(super) async fn write(queue: Arc<LogQueue>, log: StoredLog) -> Option<(u64, az_core::Error)> {
    let StoredLog { store, section, redactor } = log;
    let mut lost: Option<(u64, az_core::Error)> = None;
    let mut checked: Option<(Instant, usize)> = None;
    while let Some(Batch { mut records, dropped }) = queue.take(BATCH).await {
        for record in &mut records {
            record.message = redactor.redact(mem::take(&mut record.message));
        }
        if dropped > 0 {
            records.push(overflow(dropped));
        }
        if let Err(error) = LogStore::append(&*store, &records).await {
            let before = lost.map_or(0, |(count, _)| count);
            let count = u64::try_from(records.len()).unwrap_or(u64::MAX);
            lost = Some((before.saturating_add(count), error));
            continue;
        }
        let written = checked.map_or(0, |(_, written)| written) + records.len();
        let is_due = checked.is_none_or(|(at, _)| at.elapsed() > CHECK || written > CHECK_AFTER);
        if is_due {
            prune(&*store, &section).await;
            checked = Some((Instant::now(), 0));
        } else {
            checked = checked.map(|(at, _)| (at, written));
        }
    }
    lost
}

/// Removes the records that are too old or too many. A failure has no consequence but a larger log.
async fn prune(store: &dyn Store, section: &LogSection) {
    let before = earlier(SystemClock.now(), section.keep());
    let retention = LogRetention::new(before, section.max_bytes());
    for _ in 0..ROUNDS {
        if !store.prune(&retention).await.is_ok_and(|removed| removed > 0) {
            return;
        }
    }
}

fn overflow(dropped: u64) -> LogRecord {
    LogRecord {
        at: SystemClock.now(),
        level: Level::Warn,
        target: "az::log".to_owned(),
        task: None,
        message: format!(
            "{dropped} log records were dropped: they came faster than the store could write them"
        ),
    }
}
