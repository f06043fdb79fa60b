//! Saboteurs of the log.

use async_trait::async_trait;
use az_core::Result;
use az_core::log::{
    LogCursor, LogMark, LogPage, LogQuery, LogRecord, LogRetention, LogStore, LogTail,
};
use az_core::memory::MemoryStore;

super::support::saboteurs! {
    of log_store bending BendLog;

    /// Breaks `LogStore` 1.
    trimming_messages => [records_are_returned_as_they_were_appended] {
        async fn append(&self, store: &MemoryStore, records: &[LogRecord]) -> Result<()> {
            let mut records = records.to_vec();
            for record in &mut records {
                record.message = record.message.replace('\r', "");
            }
            LogStore::append(store, &records).await
        }
    }

    /// Breaks `LogStore` 1.
    listing_the_newest_first => [
        records_are_returned_as_they_were_appended,
        records_are_returned_oldest_first,
        records_of_one_time_keep_their_order,
        a_level_includes_more_severe_records,
        since_is_inclusive_and_until_is_exclusive,
        text_matches_anywhere_ignoring_ascii_case,
        a_limit_returns_the_newest_records,
        a_mark_divides_the_records
    ] {
        async fn query(&self, store: &MemoryStore, query: &LogQuery) -> Result<Vec<LogRecord>> {
            let mut found = store.query(query).await?;
            found.reverse();
            Ok(found)
        }
    }

    /// Breaks `LogStore` 1.
    sorting_records_of_one_time => [
        records_of_one_time_keep_their_order,
        a_mark_divides_the_records
    ] {
        async fn query(&self, store: &MemoryStore, query: &LogQuery) -> Result<Vec<LogRecord>> {
            let mut found = store.query(query).await?;
            if query.level.is_none() {
                found.sort_by(|a, b| (a.at, a.level, &a.message).cmp(&(b.at, b.level, &b.message)));
            }
            Ok(found)
        }
    }

    /// Breaks `LogStore` 2.
    taking_a_level_for_itself => [a_level_includes_more_severe_records] {
        async fn query(&self, store: &MemoryStore, query: &LogQuery) -> Result<Vec<LogRecord>> {
            let mut found = store.query(query).await?;
            found.retain(|record| query.level.is_none_or(|level| level == record.level));
            Ok(found)
        }
    }

    /// Breaks `LogStore` 2.
    leaving_since_out => [since_is_inclusive_and_until_is_exclusive, filters_combine_by_and] {
        async fn query(&self, store: &MemoryStore, query: &LogQuery) -> Result<Vec<LogRecord>> {
            let mut found = store.query(query).await?;
            found.retain(|record| query.since != Some(record.at));
            Ok(found)
        }
    }

    /// Breaks `LogStore` 2.
    finding_tasks_by_their_beginning => [a_query_for_a_task_returns_only_its_records] {
        async fn query(&self, store: &MemoryStore, query: &LogQuery) -> Result<Vec<LogRecord>> {
            let mut query = query.clone();
            let task = query.task.take();
            let mut found = store.query(&query).await?;
            found.retain(|record| {
                let of = record.task.as_ref().map_or("", |task| task.as_str());
                task.as_ref().is_none_or(|task| of.starts_with(task.as_str()))
            });
            Ok(found)
        }
    }

    /// Breaks `LogStore` 3.
    minding_the_case => [text_matches_anywhere_ignoring_ascii_case] {
        async fn query(&self, store: &MemoryStore, query: &LogQuery) -> Result<Vec<LogRecord>> {
            let mut found = store.query(query).await?;
            let text = query.text.clone().unwrap_or_default();
            found.retain(|record| record.message.contains(&text));
            Ok(found)
        }
    }

    /// Breaks `LogStore` 3.
    minding_no_case_at_all => [text_matches_anywhere_ignoring_ascii_case] {
        async fn query(&self, store: &MemoryStore, query: &LogQuery) -> Result<Vec<LogRecord>> {
            let all = LogQuery { text: None, limit: None, ..query.clone() };
            let mut found = store.query(&all).await?;
            let text = query.text.clone().unwrap_or_default().to_lowercase();
            found.retain(|record| record.message.to_lowercase().contains(&text));
            let newest = query.limit.unwrap_or(usize::MAX);
            let left_out = found.len().saturating_sub(newest);
            Ok(found.split_off(left_out))
        }
    }

    /// Breaks `LogStore` 3.
    taking_text_for_a_pattern => [text_is_never_a_pattern] {
        async fn query(&self, store: &MemoryStore, query: &LogQuery) -> Result<Vec<LogRecord>> {
            let Some((head, tail)) = query.text.as_deref().and_then(|text| text.split_once('%'))
            else {
                return store.query(query).await;
            };
            let mut found = store.query(&LogQuery { text: None, ..query.clone() }).await?;
            found.retain(|record| record.message.contains(head) && record.message.contains(tail));
            Ok(found)
        }
    }

    /// Breaks `LogStore` 2.
    looking_at_one_filter_only => [filters_combine_by_and] {
        async fn query(&self, store: &MemoryStore, query: &LogQuery) -> Result<Vec<LogRecord>> {
            let mut query = query.clone();
            if query.text.is_some() {
                query.level = None;
            }
            store.query(&query).await
        }
    }

    /// Breaks `LogStore` 4.
    keeping_the_oldest => [a_limit_returns_the_newest_records, a_mark_divides_the_records] {
        async fn query(&self, store: &MemoryStore, query: &LogQuery) -> Result<Vec<LogRecord>> {
            let mut found = store.query(&LogQuery { limit: None, ..query.clone() }).await?;
            found.truncate(query.limit.unwrap_or(usize::MAX));
            Ok(found)
        }
    }

    /// Breaks `LogStore` 6.
    repeating_the_record_before_a_cursor => [
        pages_contain_every_record_once_in_order,
        pages_match_like_a_query,
        pages_with_a_limit_begin_with_the_newest_records,
        records_appended_between_pages_repeat_and_hide_none,
        a_mark_divides_the_records
    ] {
        async fn page(
            &self,
            store: &MemoryStore,
            query: &LogQuery,
            after: Option<LogCursor>,
        ) -> Result<LogPage> {
            let before = after.map(|cursor| LogCursor::new(cursor.at, cursor.number - 1));
            store.page(query, before).await
        }
    }

    /// Breaks `LogStore` 6.
    counting_offsets_instead_of_cursors => [
        records_appended_between_pages_repeat_and_hide_none
    ] {
        async fn page(
            &self,
            store: &MemoryStore,
            query: &LogQuery,
            after: Option<LogCursor>,
        ) -> Result<LogPage> {
            let read = usize::try_from(after.map_or(0, |cursor| cursor.number)).unwrap();
            let found = store.query(query).await?;
            let records: Vec<_> = found.iter().skip(read).take(50).cloned().collect();
            let end = read + records.len();
            let next = records.last().filter(|_| end < found.len());
            let number = i64::try_from(end).unwrap();
            let next = next.map(|last| LogCursor::new(last.at, number));
            Ok(LogPage::new(records, next))
        }
    }

    /// Breaks `LogStore` 6.
    beginning_with_the_oldest_records => [
        pages_with_a_limit_begin_with_the_newest_records,
        a_mark_divides_the_records
    ] {
        async fn page(
            &self,
            store: &MemoryStore,
            query: &LogQuery,
            after: Option<LogCursor>,
        ) -> Result<LogPage> {
            let mut page = store.page(&LogQuery { limit: None, ..query.clone() }, after).await?;
            if let Some(limit) = query.limit && limit < page.records.len() {
                page.records.truncate(limit);
                page.next = None;
            }
            Ok(page)
        }
    }

    /// Breaks `LogStore` 6.
    leaving_the_level_out_of_pages => [
        pages_match_like_a_query,
        pages_with_a_limit_begin_with_the_newest_records
    ] {
        async fn page(
            &self,
            store: &MemoryStore,
            query: &LogQuery,
            after: Option<LogCursor>,
        ) -> Result<LogPage> {
            store.page(&LogQuery { level: None, ..query.clone() }, after).await
        }
    }

    /// Breaks `LogStore` 7.
    pages_beyond_the_mark => [a_mark_divides_the_records] {
        async fn page(
            &self,
            store: &MemoryStore,
            query: &LogQuery,
            after: Option<LogCursor>,
        ) -> Result<LogPage> {
            store.page(&LogQuery { up_to: None, ..query.clone() }, after).await
        }
    }

    /// Breaks `LogStore` 7.
    following_by_time => [a_tail_contains_every_record_appended_after_its_mark] {
        async fn appended(
            &self,
            store: &MemoryStore,
            query: &LogQuery,
            after: Option<LogMark>,
        ) -> Result<LogTail> {
            let mut tail = store.appended(query, after).await?;
            tail.records.sort_by_key(|record| record.at);
            Ok(tail)
        }
    }

    /// Breaks `LogStore` 8.
    pruning_nothing_by_age => [
        pruning_removes_records_before_a_time
    ] {
        async fn prune(&self, store: &MemoryStore, retention: &LogRetention) -> Result<usize> {
            store.prune(&LogRetention::new(az_core::Timestamp::MIN, retention.max_bytes)).await
        }
    }

    /// Breaks `LogStore` 8.
    pruning_nothing_by_size => [pruning_removes_the_oldest_records_above_a_size] {
        async fn prune(&self, store: &MemoryStore, retention: &LogRetention) -> Result<usize> {
            store.prune(&LogRetention::new(retention.before, u64::MAX)).await
        }
    }

    /// Breaks `LogStore` 8.
    hiding_the_record_that_is_kept => [pruning_keeps_the_record_appended_last] {
        async fn query(&self, store: &MemoryStore, query: &LogQuery) -> Result<Vec<LogRecord>> {
            let mut found = store.query(query).await?;
            found.retain(|record| record.message != "appended last");
            Ok(found)
        }
    }
}
