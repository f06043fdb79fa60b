//! The log.

use async_trait::async_trait;

use super::store::MemoryStore;
use crate::error::Result;
use crate::log::{LogQuery, LogRecord, LogStore};

#[async_trait]
impl LogStore for MemoryStore {
    async fn append(&self, records: &[LogRecord]) -> Result<()> {
        self.lock().log.extend_from_slice(records);
        Ok(())
    }

    async fn query(&self, query: &LogQuery) -> Result<Vec<LogRecord>> {
        let state = self.lock();
        let mut found: Vec<_> = state.log.iter().filter(|r| query.matches(r)).collect();
        // A stable sort, so that records of one time stay in the order in which they were appended.
        found.sort_by_key(|record| record.at);
        let newest = query.limit.unwrap_or(usize::MAX);
        let left_out = found.len().saturating_sub(newest);
        Ok(found.into_iter().skip(left_out).cloned().collect())
    }
}
