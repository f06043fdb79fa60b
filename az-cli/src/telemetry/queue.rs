//! The queue between the code that logs and the store.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use az_core::log::LogRecord;
use tokio::sync::Notify;

/// The most records that wait to be written.
const RECORDS: usize = 10_000;
/// The largest size of the records that wait, in bytes.
const BYTES: u64 = 8 << 20;

/// Records that wait to be written. Adding one never waits: when the queue is full, records are dropped and
/// counted.
#[derive(Debug, Default)]
pub(super) struct LogQueue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    records: VecDeque<LogRecord>,
    bytes: u64,
    dropped: u64,
    closed: bool,
}

/// Records to write at once, and how many were dropped before them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) records: Vec<LogRecord>,
    pub(super) dropped: u64,
}

impl LogQueue {
    /// Adds a record, or counts it if there is no room.
    pub(super) fn push(&self, record: LogRecord) {
        let mut state = self.lock();
        let bytes = state.bytes.saturating_add(record.bytes());
        if state.closed || state.records.len() >= RECORDS || bytes > BYTES {
            state.dropped += 1;
        } else {
            state.bytes = bytes;
            state.records.push_back(record);
        }
        drop(state);
        self.changed.notify_one();
    }

    /// Takes the oldest records; waits while there are none. Returns `None` when the queue is closed and
    /// empty.
    pub(super) async fn take(&self, most: usize) -> Option<Batch> {
        loop {
            if let Some(batch) = self.take_now(most) {
                return Some(batch);
            }
            if self.lock().closed {
                return None;
            }
            self.changed.notified().await;
        }
    }

    fn take_now(&self, most: usize) -> Option<Batch> {
        let mut state = self.lock();
        let count = most.min(state.records.len());
        let records: Vec<_> = state.records.drain(..count).collect();
        let bytes: u64 = records.iter().map(LogRecord::bytes).sum();
        state.bytes = state.bytes.saturating_sub(bytes);
        let batch = Batch { records, dropped: std::mem::take(&mut state.dropped) };
        (batch != Batch::default()).then_some(batch)
    }

    /// Ends the queue: what is in it can be taken, and nothing is added.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use az_core::clock::from_micros;
    use az_core::log::{Level, LogRecord};

    use super::{BYTES, Batch, LogQueue, RECORDS};

    fn record(message: &str) -> LogRecord {
        let (at, level, target) = (from_micros(1), Level::Info, "az::test".to_owned());
        LogRecord { at, level, target, task: None, message: message.to_owned() }
    }

    #[tokio::test]
    async fn records_are_taken_in_order_until_the_queue_is_closed() {
        let queue = LogQueue::default();
        for message in ["a", "b", "c"] {
            queue.push(record(message));
        }
        let first = Batch { records: vec![record("a"), record("b")], dropped: 0 };
        assert_eq!(queue.take(2).await, Some(first));
        queue.close();
        queue.push(record("too late"));
        let last = Batch { records: vec![record("c")], dropped: 1 };
        assert_eq!(queue.take(2).await, Some(last));
        assert_eq!(queue.take(2).await, None);
    }

    #[tokio::test]
    async fn records_beyond_the_bounds_are_counted() {
        let queue = LogQueue::default();
        (0..RECORDS + 3).for_each(|_| queue.push(record("x")));
        let batch = queue.take(usize::MAX).await.unwrap();
        assert_eq!((batch.records.len(), batch.dropped), (RECORDS, 3));
        let large = "x".repeat(usize::try_from(BYTES / 4).unwrap());
        (0..5).for_each(|_| queue.push(record(&large)));
        let batch = queue.take(usize::MAX).await.unwrap();
        assert_eq!((batch.records.len(), batch.dropped), (3, 2));
    }

    #[tokio::test]
    async fn a_waiting_reader_gets_a_record_when_it_arrives() {
        let queue = LogQueue::default();
        let take = async { queue.take(9).await.map(|batch| batch.records) };
        let push = async { queue.push(record("now")) };
        let (taken, ()) = tokio::join!(take, push);
        assert_eq!(taken, Some(vec![record("now")]));
    }
}
