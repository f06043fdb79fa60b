//! The kit of [`LogStore`].

mod paging;
mod pruning;

use super::kit::{Checked, Fixture};
use super::sample::{at, odd_time, task_id};
use crate::log::{Level, LogQuery, LogRecord, LogStore};
use crate::{ensure_eq, scenarios};

use self::paging::{
    a_mark_divides_the_records, a_tail_contains_every_record_appended_after_its_mark,
    pages_contain_every_record_once_in_order, pages_match_like_a_query,
    pages_with_a_limit_begin_with_the_newest_records,
    records_appended_between_pages_repeat_and_hide_none,
};
use self::pruning::{
    pruning_keeps_the_record_appended_last, pruning_removes_records_before_a_time,
    pruning_removes_the_oldest_records_above_a_size,
};

scenarios! {
    $crate
    /// Runs every scenario of [`LogStore`]'s contract.
    log_store for Fixture<dyn LogStore>, in log_store_conformance;

    records_are_returned_as_they_were_appended;
    records_are_returned_oldest_first;
    records_of_one_time_keep_their_order;
    a_level_includes_more_severe_records;
    since_is_inclusive_and_until_is_exclusive;
    a_query_for_a_task_returns_only_its_records;
    text_matches_anywhere_ignoring_ascii_case;
    text_is_never_a_pattern;
    filters_combine_by_and;
    a_limit_returns_the_newest_records;
    records_survive_a_restart needs durable;
    pages_contain_every_record_once_in_order;
    pages_match_like_a_query;
    pages_with_a_limit_begin_with_the_newest_records;
    records_appended_between_pages_repeat_and_hide_none;
    a_tail_contains_every_record_appended_after_its_mark;
    a_mark_divides_the_records;
    pruning_removes_records_before_a_time;
    pruning_removes_the_oldest_records_above_a_size;
    pruning_keeps_the_record_appended_last;
}

/// The fixture of a scenario.
type Logs<'a> = &'a dyn Fixture<dyn LogStore>;

fn record(message: &str, minute: i64) -> LogRecord {
    LogRecord {
        at: at(minute),
        level: Level::Info,
        target: "az::test".to_owned(),
        task: None,
        message: message.to_owned(),
    }
}

/// Appends one record per message, a minute apart.
async fn say(log: &dyn LogStore, messages: &[&str]) -> Checked {
    let records: Vec<_> =
        (0..).zip(messages).map(|(minute, message)| record(message, minute)).collect();
    log.append(&records).await?;
    Ok(())
}

async fn messages(log: &dyn LogStore, query: &LogQuery) -> Checked<Vec<String>> {
    let found = log.query(query).await?;
    Ok(found.into_iter().map(|record| record.message).collect())
}

fn with_text(text: &str) -> LogQuery {
    LogQuery { text: Some(text.to_owned()), ..LogQuery::default() }
}

/// Checks `LogStore` 1.
async fn records_are_returned_as_they_were_appended(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    let found = log.query(&LogQuery::default()).await?;
    ensure_eq!(found, [], "a new log has records");
    let full = LogRecord {
        at: odd_time(1),
        level: Level::Error,
        target: "ziel.日本".to_owned(),
        task: Some(task_id("t")),
        message: "\u{1F980} ' \" \\ \r\n\u{7}%".to_owned(),
    };
    let expected = [record("", 0), full, record(&"x".repeat(1 << 16), 2)];
    log.append(&expected).await?;
    log.append(&[]).await?;
    let found = log.query(&LogQuery::default()).await?;
    ensure_eq!(found, expected, "records were changed");
    Ok(())
}

/// Checks `LogStore` 1.
async fn records_are_returned_oldest_first(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    log.append(&[record("b", 2), record("d", 4)]).await?;
    log.append(&[record("a", -1), record("c", 3)]).await?;
    let found = messages(&*log, &LogQuery::default()).await?;
    ensure_eq!(found, ["a", "b", "c", "d"], "records are in another order");
    Ok(())
}

/// Checks `LogStore` 1.
async fn records_of_one_time_keep_their_order(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    log.append(&[record("first", 1), record("a", 1)]).await?;
    log.append(&[record("zz", 1), record("b", 1)]).await?;
    let found = messages(&*log, &LogQuery::default()).await?;
    ensure_eq!(found, ["first", "a", "zz", "b"], "records of one time changed places");
    Ok(())
}

/// Checks `LogStore` 2.
async fn a_level_includes_more_severe_records(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    for level in Level::ALL {
        let record = LogRecord { level: *level, ..record(level.as_str(), 0) };
        log.append(&[record]).await?;
    }
    for (level, expected) in [
        (None, vec!["debug", "info", "warn", "error"]),
        (Some(Level::Debug), vec!["debug", "info", "warn", "error"]),
        (Some(Level::Info), vec!["info", "warn", "error"]),
        (Some(Level::Warn), vec!["warn", "error"]),
        (Some(Level::Error), vec!["error"]),
    ] {
        let query = LogQuery { level, ..LogQuery::default() };
        let found = messages(&*log, &query).await?;
        ensure_eq!(found, expected, "the records of level {level:?}");
    }
    Ok(())
}

/// Checks `LogStore` 2.
async fn since_is_inclusive_and_until_is_exclusive(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    say(&*log, &["0", "1", "2", "3"]).await?;
    let query = LogQuery { since: Some(at(1)), until: Some(at(3)), ..LogQuery::default() };
    let found = messages(&*log, &query).await?;
    ensure_eq!(found, ["1", "2"], "the records from minute 1 to minute 3");
    Ok(())
}

/// Checks `LogStore` 2.
async fn a_query_for_a_task_returns_only_its_records(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    for (message, task) in [("mine", Some("t")), ("theirs", Some("t2")), ("no task's", None)] {
        let record = LogRecord { task: task.map(task_id), ..record(message, 0) };
        log.append(&[record]).await?;
    }
    let query = LogQuery { task: Some(task_id("t")), ..LogQuery::default() };
    ensure_eq!(messages(&*log, &query).await?, ["mine"], "the records of the task");
    Ok(())
}

/// Checks `LogStore` 3.
async fn text_matches_anywhere_ignoring_ascii_case(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    say(&*log, &["Budget exceeded", "the BUDGET", "budge", "Größe", "GRÖSSE"]).await?;
    for (text, expected) in [
        ("budget", vec!["Budget exceeded", "the BUDGET"]),
        ("GET EXC", vec!["Budget exceeded"]),
        ("größe", vec!["Größe"]),
        ("GRÖ", vec!["GRÖSSE"]),
        ("", vec!["Budget exceeded", "the BUDGET", "budge", "Größe", "GRÖSSE"]),
    ] {
        let found = messages(&*log, &with_text(text)).await?;
        ensure_eq!(found, expected, "{text:?} the records with the text {text:?}");
    }
    Ok(())
}

/// Checks `LogStore` 3.
async fn text_is_never_a_pattern(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    say(&*log, &["100%", "a_b", "a.*b", "[x]", "say \"hi\"", "back\\slash", "axb"]).await?;
    for (text, expected) in [
        ("%", "100%"),
        ("a_b", "a_b"),
        (".*", "a.*b"),
        ("[x]", "[x]"),
        ("\"hi\"", "say \"hi\""),
        ("k\\s", "back\\slash"),
    ] {
        let found = messages(&*log, &with_text(text)).await?;
        ensure_eq!(found, [expected], "{text:?} the records with the text {text:?}");
    }
    for text in ["a?b", "\"say\" OR \"axb\"", "axb*", "a%b"] {
        let found = messages(&*log, &with_text(text)).await?;
        ensure_eq!(found.len(), 0, "{text:?} is in {found:?}, by number of records");
    }
    Ok(())
}

/// Checks `LogStore` 2.
async fn filters_combine_by_and(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    let wanted = LogRecord { level: Level::Warn, task: Some(task_id("t")), ..record("slow", 5) };
    log.append(&[
        LogRecord { level: Level::Info, ..wanted.clone() },
        LogRecord { task: None, ..wanted.clone() },
        LogRecord { at: at(4), ..wanted.clone() },
        LogRecord { at: at(6), ..wanted.clone() },
        LogRecord { message: "fast".to_owned(), ..wanted.clone() },
        wanted.clone(),
    ])
    .await?;
    let query = LogQuery {
        level: Some(Level::Warn),
        since: Some(at(5)),
        until: Some(at(6)),
        task: Some(task_id("t")),
        text: Some("slow".to_owned()),
        limit: Some(9),
        up_to: None,
    };
    ensure_eq!(log.query(&query).await?, [wanted], "the records that match five filters");
    Ok(())
}

/// Checks `LogStore` 4.
async fn a_limit_returns_the_newest_records(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    say(&*log, &["0 x", "1", "2 x", "3", "4 x"]).await?;
    for (limit, expected) in
        [(0, vec![]), (1, vec!["4 x"]), (2, vec!["2 x", "4 x"]), (9, vec!["0 x", "2 x", "4 x"])]
    {
        let query = LogQuery { limit: Some(limit), ..with_text("x") };
        let found = messages(&*log, &query).await?;
        ensure_eq!(found, expected, "the records with a limit of {limit}");
    }
    Ok(())
}

/// Checks `LogStore` 5.
async fn records_survive_a_restart(fixture: Logs<'_>) -> Checked {
    let log = fixture.open().await;
    say(&*log, &["a", "b"]).await?;
    drop(log);
    let log = fixture.open().await;
    let found = messages(&*log, &LogQuery::default()).await?;
    ensure_eq!(found, ["a", "b"], "acknowledged records were lost");
    Ok(())
}
