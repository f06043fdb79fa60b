//! Pages, and what was appended after a mark.

use super::{Logs, record, say};
use crate::ensure_eq;
use crate::log::{Level, LogQuery, LogRecord, LogStore};
use crate::testing::kit::Checked;
use crate::testing::sample::{at, task_id};

/// Reads all pages of a query, and appends records after each of them.
async fn paged(
    log: &dyn LogStore,
    query: &LogQuery,
    between: &[LogRecord],
) -> Checked<Vec<String>> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = log.page(query, after).await?;
        found.extend(page.records.into_iter().map(|record| record.message));
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(found),
        }
        log.append(between).await?;
    }
}

/// Returns records with the numbers from 0 on as messages, in the order in which they are appended: more than fit
/// a page, two at each time, and not in the order of their times.
pub(super) fn many() -> Vec<LogRecord> {
    (0..MANY).map(|i| numbered((i * 7) % MANY)).collect()
}

pub(super) async fn say_many(log: &dyn LogStore) -> Checked {
    for part in many().chunks(100) {
        log.append(part).await?;
    }
    Ok(())
}

/// Returns the messages of those of [`many`] that a query asks for.
pub(super) fn expected(query: &LogQuery) -> Vec<String> {
    let mut found: Vec<_> = many().into_iter().filter(|record| query.matches(record)).collect();
    found.sort_by_key(|record| record.at);
    let left_out = found.len().saturating_sub(query.limit.unwrap_or(usize::MAX));
    found.into_iter().skip(left_out).map(|record| record.message).collect()
}

/// Compares long lists; reports the first difference.
pub(super) fn ensure_same(found: &[String], expected: &[String], what: &str) -> Checked {
    let differs = |(found, expected): (&String, &String)| found != expected;
    let at = found.iter().zip(expected).position(differs);
    let at = at.unwrap_or(found.len().min(expected.len()));
    ensure_eq!(found.get(at), expected.get(at), "{what}: of {} record {at}", expected.len());
    Ok(())
}

/// The number of records that do not fit a page of any backend known.
const MANY: i64 = 1301;

/// Returns a record whose message is a number; two have the same time.
pub(super) fn numbered(number: i64) -> LogRecord {
    let level = if number % 3 == 0 { Level::Warn } else { Level::Info };
    let task = (number % 5 == 0).then(|| task_id("t"));
    LogRecord { level, task, ..record(&format!("{number:04}"), number / 2) }
}

/// Checks `LogStore` 6.
pub(super) async fn pages_contain_every_record_once_in_order(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    ensure_eq!(paged(&*log, &LogQuery::default(), &[]).await?, [""; 0], "an empty log");
    say_many(&*log).await?;
    let found = paged(&*log, &LogQuery::default(), &[]).await?;
    ensure_same(&found, &expected(&LogQuery::default()), "all pages together")
}

/// Checks `LogStore` 6.
pub(super) async fn pages_match_like_a_query(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    say_many(&*log).await?;
    let (level, task) = (Some(Level::Warn), Some(task_id("t")));
    let (since, until) = (Some(at(MANY / 8)), Some(at(MANY / 4)));
    let none = LogQuery::default();
    for query in [
        LogQuery { level, ..none.clone() },
        LogQuery { task: task.clone(), ..none.clone() },
        LogQuery { since, until, ..none.clone() },
        LogQuery { since, level, ..none.clone() },
        LogQuery { until, task, level, ..none.clone() },
        LogQuery { level, text: Some("7".to_owned()), ..none.clone() },
        LogQuery { since: until, until: since, ..none.clone() },
    ] {
        let found = paged(&*log, &query, &[]).await?;
        ensure_same(&found, &expected(&query), &format!("the pages of {query:?}"))?;
    }
    Ok(())
}

/// Checks `LogStore` 6.
pub(super) async fn pages_with_a_limit_begin_with_the_newest_records(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    say_many(&*log).await?;
    let (level, text) = (Some(Level::Warn), Some("1".to_owned()));
    let (since, until) = (Some(at(MANY / 16)), Some(at(MANY / 3)));
    for limit in [0, 1, 700, 5000] {
        let all = LogQuery { limit: Some(limit), ..LogQuery::default() };
        for query in [
            LogQuery { level, ..all.clone() },
            LogQuery { text: text.clone(), ..all.clone() },
            LogQuery { task: Some(task_id("t")), ..all.clone() },
            LogQuery { since, ..all.clone() },
            LogQuery { until, ..all.clone() },
            LogQuery { level, since, until, ..all.clone() },
            all,
        ] {
            let found = paged(&*log, &query, &[]).await?;
            ensure_same(&found, &expected(&query), &format!("the pages of {query:?}"))?;
        }
    }
    Ok(())
}

/// Checks `LogStore` 6.
pub(super) async fn records_appended_between_pages_repeat_and_hide_none(
    fixture: Logs<'_>,
) -> Checked {
    let log = fixture.open().await;
    say_many(&*log).await?;
    let more = [record("early", 0), record("late", MANY)];
    let mut found = paged(&*log, &LogQuery::default(), &more).await?;
    found.retain(|message| !["early", "late"].contains(&message.as_str()));
    let expected = expected(&LogQuery::default());
    ensure_same(&found, &expected, "the records that were there when the first page was read")
}

/// Checks `LogStore` 7.
pub(super) async fn a_mark_divides_the_records(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    say_many(&*log).await?;
    let mark = log.appended(&LogQuery::default(), None).await?.mark;
    log.append(&[record("earlier", -5), record("later", MANY)]).await?;
    for limit in [None, Some(700)] {
        let query = LogQuery { limit, ..LogQuery::default() };
        let before = LogQuery { up_to: Some(mark), ..query.clone() };
        let found = paged(&*log, &before, &[]).await?;
        ensure_same(&found, &expected(&query), "the pages up to a mark")?;
        let found = log.query(&before).await?.into_iter().map(|record| record.message);
        ensure_same(&found.collect::<Vec<_>>(), &expected(&query), "the records up to a mark")?;
    }
    let after = log.appended(&LogQuery::default(), Some(mark)).await?.records;
    let after: Vec<_> = after.iter().map(|record| record.message.as_str()).collect();
    ensure_eq!(after, ["earlier", "later"], "the records after the mark");
    Ok(())
}

/// Checks `LogStore` 7.
pub(super) async fn a_tail_contains_every_record_appended_after_its_mark(
    fixture: Logs<'_>,
) -> Checked {
    let log = fixture.open().await;
    let query = LogQuery { level: Some(Level::Info), ..LogQuery::default() };
    let start = log.appended(&query, None).await?;
    ensure_eq!(start.records, [], "a tail without a mark has records");
    say(&*log, &["a", "b"]).await?;
    let present = log.appended(&query, None).await?;
    ensure_eq!(present.records, [], "a tail without a mark has records");
    let debug = LogRecord { level: Level::Debug, ..record("details", 3) };
    log.append(&[record("earlier", -5), debug, record("c", 9)]).await?;
    for (from, expected) in
        [(start.mark, vec!["a", "b", "earlier", "c"]), (present.mark, vec!["earlier", "c"])]
    {
        let (mut found, mut mark) = (Vec::new(), from);
        loop {
            let tail = log.appended(&query, Some(mark)).await?;
            if tail.mark == mark {
                break;
            }
            mark = tail.mark;
            found.extend(tail.records.into_iter().map(|record| record.message));
        }
        ensure_eq!(found, expected, "the records that were appended after {from:?}");
    }
    Ok(())
}
