//! The log, and the commands that were run.

use async_trait::async_trait;

use super::store::MemoryStore;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::log::{
    CommandLog, CommandRun, LogCursor, LogMark, LogPage, LogQuery, LogRecord, LogRetention,
    LogStore, LogTail, RunQuery,
};

/// The number of records in a page, and of those that are removed at once.
const PAGE: usize = 100;

/// The records with their numbers, in the order in which they were appended.
#[derive(Debug, Default)]
pub(super) struct Log {
    records: Vec<(i64, LogRecord)>,
    last: i64,
}

impl Log {
    /// Adds records.
    pub(super) fn extend(&mut self, records: impl IntoIterator<Item = LogRecord>) {
        for record in records {
            self.last += 1;
            self.records.push((self.last, record));
        }
    }

    /// Returns the records that match in the order of their times, those of one time in the order in which
    /// they were appended.
    fn matching(&self, query: &LogQuery) -> Vec<&(i64, LogRecord)> {
        let up_to = query.up_to.map_or(i64::MAX, |LogMark(number)| number);
        let matching = |(number, record): &&_| *number <= up_to && query.matches(record);
        let mut found: Vec<&(i64, LogRecord)> = self.records.iter().filter(matching).collect();
        found.sort_by_key(|(number, record)| (record.at, *number));
        let left_out = found.len().saturating_sub(query.limit.unwrap_or(usize::MAX));
        found.split_off(left_out)
    }
}

#[async_trait]
impl LogStore for MemoryStore {
    async fn append(&self, records: &[LogRecord]) -> Result<()> {
        self.lock().log.extend(records.iter().cloned());
        Ok(())
    }

    async fn query(&self, query: &LogQuery) -> Result<Vec<LogRecord>> {
        let state = self.lock();
        Ok(state.log.matching(query).into_iter().map(|(_, record)| record.clone()).collect())
    }

    async fn page(&self, query: &LogQuery, after: Option<LogCursor>) -> Result<LogPage> {
        let state = self.lock();
        // The limit decides where the first page begins.
        let limit = query.limit.filter(|_| after.is_none());
        let found = state.log.matching(&LogQuery { limit, ..query.clone() });
        let place = |(number, record): &(i64, LogRecord)| LogCursor::new(record.at, *number);
        let rest = found.into_iter().filter(|item| after.is_none_or(|after| place(item) > after));
        let rest: Vec<_> = rest.collect();
        let next = rest.get(PAGE).and_then(|_| rest.get(PAGE - 1)).map(|item| place(item));
        let page = rest.into_iter().take(PAGE).map(|(_, record)| record.clone());
        Ok(LogPage::new(page.collect(), next))
    }

    async fn appended(&self, query: &LogQuery, after: Option<LogMark>) -> Result<LogTail> {
        let log = &self.lock().log;
        let end = LogMark(log.last);
        let from = after.unwrap_or(end);
        let new = log
            .records
            .iter()
            .filter(|(number, record)| LogMark(*number) > from && query.matches(record));
        Ok(LogTail::new(new.map(|(_, record)| record.clone()).collect(), end))
    }

    async fn prune(&self, retention: &LogRetention) -> Result<usize> {
        let mut state = self.lock();
        let mut bytes: u64 = state.log.records.iter().map(|(_, record)| record.bytes()).sum();
        let mut removed = Vec::new();
        for (number, record) in state.log.matching(&LogQuery::default()) {
            let is_kept = record.at >= retention.before && bytes <= retention.max_bytes;
            if is_kept || removed.len() == PAGE {
                break;
            }
            if *number < state.log.last {
                bytes -= record.bytes();
                removed.push(*number);
            }
        }
        state.log.records.retain(|(number, _)| !removed.contains(number));
        Ok(removed.len())
    }
}

#[async_trait]
impl CommandLog for MemoryStore {
    async fn record_runs(&self, runs: &[CommandRun]) -> Result<()> {
        self.lock().runs.extend_from_slice(runs);
        Ok(())
    }

    async fn runs(&self, query: &RunQuery) -> Result<Vec<CommandRun>> {
        Ok(query.select(self.lock().runs.iter().cloned()))
    }

    async fn collect_runs(&self) -> Result<usize> {
        Ok(0)
    }

    async fn prune_runs(&self, before: Timestamp, keep: usize) -> Result<usize> {
        let mut state = self.lock();
        let all = RunQuery { since: Some(before), limit: Some(keep), ..RunQuery::default() };
        let kept = all.select(state.runs.iter().cloned());
        let removed = state.runs.len() - kept.len();
        state.runs = kept;
        Ok(removed)
    }
}
