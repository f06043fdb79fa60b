//! Which records are removed.

use super::paging::{ensure_same, expected, numbered, say_many};
use super::{Logs, messages, record, say};
use crate::ensure_eq;
use crate::log::{LogQuery, LogRetention, LogStore};
use crate::testing::kit::Checked;
use crate::testing::sample::at;

/// Prunes until nothing is left to remove; returns the number of removed records.
async fn prune(log: &dyn LogStore, retention: LogRetention) -> Checked<usize> {
    let mut removed = 0;
    loop {
        match log.prune(&retention).await? {
            0 => return Ok(removed),
            count => removed += count,
        }
    }
}

/// Returns the messages of all records that are left, in alphabetical order.
async fn left(log: &dyn LogStore) -> Checked<Vec<String>> {
    let mut found = messages(log, &LogQuery::default()).await?;
    found.sort();
    Ok(found)
}

/// Checks `LogStore` 8.
pub(super) async fn pruning_removes_records_before_a_time(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    say(&*log, &["0", "1", "2", "3", "4"]).await?;
    let removed = prune(&*log, LogRetention::new(at(2), u64::MAX)).await?;
    ensure_eq!((removed, left(&*log).await?.concat()), (2, "234".to_owned()), "minute 2 on");
    let removed = prune(&*log, LogRetention::new(at(2), u64::MAX)).await?;
    ensure_eq!(removed, 0, "the number of records that are removed when all are kept");
    Ok(())
}

/// Checks `LogStore` 8.
pub(super) async fn pruning_removes_the_oldest_records_above_a_size(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    say_many(&*log).await?;
    let kept = 700;
    let size = numbered(0).bytes() * kept;
    prune(&*log, LogRetention::new(at(-1), size)).await?;
    let newest = LogQuery { limit: usize::try_from(kept).ok(), ..LogQuery::default() };
    let mut expected = expected(&newest);
    expected.sort();
    ensure_same(&left(&*log).await?, &expected, "the records that are left")?;
    let smaller = prune(&*log, LogRetention::new(at(-1), size - 1)).await?;
    ensure_eq!(smaller, 1, "the records above a size that is smaller by one byte");
    Ok(())
}

/// Checks `LogStore` 8.
pub(super) async fn pruning_keeps_the_record_appended_last(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    log.append(&[record("newest", 9), record("appended last", 1)]).await?;
    prune(&*log, LogRetention::new(at(20), 0)).await?;
    ensure_eq!(left(&*log).await?, ["appended last"], "the records that are left of all");
    let mark = log.appended(&LogQuery::default(), None).await?.mark;
    log.append(&[record("next", 2)]).await?;
    let tail = log.appended(&LogQuery::default(), Some(mark)).await?;
    ensure_eq!(tail.records, [record("next", 2)], "the records appended after pruning");
    Ok(())
}
