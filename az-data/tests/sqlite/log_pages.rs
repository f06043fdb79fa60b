//! The numbers of log records, by which the newest of a large number are found.

use az_core::clock::from_micros;
use az_core::log::{Level, LogQuery, LogRecord, LogRetention, LogStore};
use rusqlite::Connection;

use crate::support::Home;

/// Returns a record some seconds after, or before, the start of the time.
fn record(second: i64) -> LogRecord {
    LogRecord {
        at: from_micros(second * 1_000_000),
        level: if second % 7 == 0 { Level::Error } else { Level::Info },
        target: "test".to_owned(),
        task: None,
        message: second.to_string(),
    }
}

async fn paged(log: &impl LogStore, query: &LogQuery) -> Vec<LogRecord> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = log.page(query, after).await.expect("a page");
        found.extend(page.records);
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

fn counts(db: &Connection) -> Vec<(i64, i64, i64)> {
    let sql = "SELECT start, level, records FROM log_count ORDER BY start, level";
    let mut counts = db.prepare(sql).expect("a statement");
    let rows = counts.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.expect("rows").map(|row| row.expect("a row")).collect()
}

#[tokio::test]
async fn the_newest_records_of_any_number_are_found_after_others_were_removed() {
    let home = Home::new();
    let store = home.open();
    // Half an hour before 1970, in which periods have negative starts, to half an hour after it.
    let records: Vec<_> = (-1800..1800).map(|second| record((second * 7) % 1801)).collect();
    store.append(&records).await.expect("they are appended");
    let before = from_micros(-1_000_000_000);
    while store.prune(&LogRetention::new(before, u64::MAX)).await.expect("it prunes") > 0 {}

    let all = LogQuery::default();
    let until = Some(from_micros(700_000_001));
    for limit in [501, 1000, 1600, 2700, 2801, 5000] {
        for level in [None, Some(Level::Error)] {
            for query in [
                LogQuery { limit: Some(limit), level, ..all.clone() },
                LogQuery { limit: Some(limit), level, until, ..all.clone() },
                LogQuery { limit: Some(limit), level, since: Some(before), ..all.clone() },
            ] {
                let expected = store.query(&query).await.expect("records");
                assert_eq!(paged(&store, &query).await, expected, "{query:?}");
            }
        }
    }

    let db = home.raw();
    let sql = "SELECT at - ((at % 600000000) + 600000000) % 600000000 AS start, level, count(*) \
        FROM log GROUP BY start, level ORDER BY start, level";
    let mut counted = db.prepare(sql).expect("a statement");
    let rows = counted.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    let rows: Vec<_> = rows.expect("rows").map(|row| row.expect("a row")).collect();
    assert_eq!(counts(&db), rows);
}

/// The migration counts the records that are there.
#[test]
fn the_records_of_an_earlier_schema_are_counted() {
    let home = Home::new();
    home.earlier(10);
    drop(home.open());
    let records: i64 = counts(&home.raw()).iter().map(|(.., records)| records).sum();
    let all = home.raw().query_row("SELECT count(*) FROM log", [], |row| row.get::<_, i64>(0));
    assert_eq!(Ok(records), all);
    assert!(records > 0, "the fixture has a log");
}
