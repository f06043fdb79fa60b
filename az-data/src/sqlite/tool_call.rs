//! The tool, the outcome and the duration of recorded results, in columns of their events.
//!
//! They are written with the event, so that the usage of tools is read from an index. An older result whose
//! body is in a file has none: a migration reads no files. Its body is read instead.

use az_core::cost::TimeRange;
use az_core::journal::{EventBody, ToolCallSummary, ToolOutcome};
use rusqlite::{Connection, TransactionBehavior};

use super::blob::Blobs;
use super::json;
use super::row::{Columns, all, micros, readable, run};
use crate::error::{Result, unreadable};

/// The columns of an event; all are `None` unless it is a result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ToolColumns<'a> {
    pub(super) tool: Option<&'a str>,
    pub(super) outcome: Option<&'a str>,
    pub(super) millis: Option<i64>,
}

impl<'a> ToolColumns<'a> {
    /// Returns the columns for an event.
    pub(super) fn of(body: &'a EventBody) -> Self {
        match body {
            EventBody::ToolResult(result) => {
                Self::of_call(&result.tool, result.outcome, result.millis)
            }
            _ => Self::default(),
        }
    }

    fn of_call(tool: &'a str, outcome: ToolOutcome, millis: u64) -> Self {
        let (outcome, millis) = (Some(name(outcome)), Some(stored(millis)));
        Self { tool: Some(tool), outcome, millis }
    }
}

/// Returns a duration as it is stored.
fn stored(millis: u64) -> i64 {
    i64::try_from(millis).unwrap_or(i64::MAX)
}

const fn name(outcome: ToolOutcome) -> &'static str {
    match outcome {
        ToolOutcome::Done => "done",
        ToolOutcome::Failed => "failed",
        ToolOutcome::Refused => "refused",
        ToolOutcome::Unknown => "unknown",
    }
}

fn outcome(stored: &str) -> Result<ToolOutcome> {
    use ToolOutcome::{Done, Failed, Refused, Unknown};
    let known = [Done, Failed, Refused, Unknown].into_iter().find(|known| name(*known) == stored);
    known.ok_or_else(|| unreadable("outcome", stored))
}

/// Returns the results in a range of time.
pub(super) fn tool_calls(
    conn: &mut Connection,
    span: TimeRange,
    blobs: &Blobs,
) -> Result<Vec<ToolCallSummary>> {
    // A result is in one of the indexes, whatever is written meanwhile.
    let look = conn.transaction()?;
    let range = (micros(span.start), micros(span.end));
    let sql = "SELECT tool, outcome, millis FROM event INDEXED BY event_of_tool \
        WHERE namespace = az_namespace() AND tool IS NOT NULL AND at >= ?1 AND at < ?2";
    let mut found = readable(&look, sql, range, |row| {
        let (tool, outcome) = (row.take::<String>()?, row.parsed(outcome)?);
        Ok(ToolCallSummary::new(tool, outcome, row.count()?))
    })?;
    let sql = "SELECT body, blob FROM event INDEXED BY event_of_unread_tool \
        WHERE namespace = az_namespace() AND type = 'tool_result' AND tool IS NULL \
        AND at >= ?1 AND at < ?2";
    found.extend(readable(&look, sql, range, |row| read(row, blobs))?);
    Ok(found)
}

/// Reads a result from the columns `body` and `blob`.
fn read(row: &mut Columns<'_>, blobs: &Blobs) -> Result<ToolCallSummary> {
    let text = blobs.body(row.take()?, row.take::<Option<String>>()?.as_deref())?;
    json::read("body", &text)
}

/// A result whose columns are not those of its body.
struct Difference {
    task: String,
    seq: i64,
    call: ToolCallSummary,
    is_stored: bool,
}

/// Returns a message for each result whose columns are stored and are not those of its body.
pub(super) fn differences(conn: &Connection, blobs: &Blobs) -> Result<Vec<String>> {
    let stored = compare(conn, blobs)?.into_iter().filter(|difference| difference.is_stored);
    let message = |Difference { task, seq, .. }| {
        format!(
            "event {seq} of task {task}: the stored tool, outcome and duration are not those of the \
             recorded result; `az db clean` computes them anew"
        )
    };
    Ok(stored.map(message).collect())
}

/// Compares the columns with the bodies that can be read; the others are reported as damaged.
fn compare(conn: &Connection, blobs: &Blobs) -> Result<Vec<Difference>> {
    let sql = "SELECT body, blob, task_id, seq, tool, outcome, millis FROM event INDEXED BY event_once \
        WHERE namespace = az_namespace() AND call_id IS NOT NULL AND type = 'tool_result'";
    let compared = all(conn, sql, [], |row| {
        let call = match read(row, blobs) {
            Err(error) if error.is_unreadable() => return Ok(None),
            call => call?,
        };
        let (task, seq) = (row.take()?, row.take()?);
        let stored: [Option<String>; 2] = [row.take()?, row.take()?];
        let millis = row.take::<Option<i64>>()?;
        let expected = ToolColumns::of_call(&call.tool, call.outcome, call.millis);
        let [tool, outcome] = stored.each_ref().map(Option::as_deref);
        let is_same = expected == ToolColumns { tool, outcome, millis };
        let is_stored = tool.is_some();
        Ok((!is_same).then_some(Difference { task, seq, call, is_stored }))
    })?;
    Ok(compared.into_iter().flatten().collect())
}

/// Writes the columns of all results that differ from their bodies, and those of older results that have none.
pub(super) fn rebuild(conn: &mut Connection, blobs: &Blobs) -> Result<()> {
    // Without the lock: the body of an event does not change.
    let found = compare(conn, blobs)?;
    if found.is_empty() {
        return Ok(());
    }
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let sql = "UPDATE event SET tool = ?3, outcome = ?4, millis = ?5 \
        WHERE namespace = az_namespace() AND task_id = ?1 AND seq = ?2";
    for Difference { task, seq, call, .. } in found {
        let ToolColumns { tool, outcome, millis } =
            ToolColumns::of_call(&call.tool, call.outcome, call.millis);
        run(&change, sql, (task, seq, tool, outcome, millis))?;
    }
    change.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use az_core::clock::{Timestamp, from_micros};
    use az_core::cost::TimeRange;
    use az_core::journal::{ToolCallSummary, ToolOutcome};
    use rusqlite::Connection;

    use super::super::blob::Blobs;
    use super::super::migrate::{bring_up_to_date, in_memory, of_steps};
    use super::{differences, rebuild, tool_calls};

    fn call(tool: &str, outcome: ToolOutcome, millis: u64) -> ToolCallSummary {
        ToolCallSummary::new(tool, outcome, millis)
    }

    fn until(end: i64) -> TimeRange {
        TimeRange { start: Timestamp::MIN, end: from_micros(end) }
    }

    /// Adds an event as schema 12 stores it.
    fn add(conn: &Connection, seq: i64, kind: &str, body: Option<&str>, blob: Option<&str>) {
        let sql = "INSERT INTO event (namespace, task_id, seq, epoch, type, call_id, at, body, blob) \
            VALUES ('default', 't', ?1, 1, ?2, 't0.' || ?1, ?1, ?3, ?4)";
        conn.execute(sql, (seq, kind, body, blob)).unwrap();
    }

    #[test]
    fn results_of_earlier_schemas_are_found_whatever_their_bodies() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("az.db");
        let blobs = Blobs::beside(&path);
        let mut conn = of_steps(&path, 12);
        conn.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        let body = |rest: &str| format!(r#"{{"type":"tool_result","tool":"a"{rest}}}"#);
        let large = body(r#","outcome":"failed","millis":7"#) + &" ".repeat(100_000);
        let file = blobs.put(&large).unwrap();
        for (seq, body) in (0..).zip([
            body(r#","outcome":"done","millis":5"#),
            body(r#","outcome":"done","millis":-5"#),
            body(r#","outcome":"odd","millis":5"#),
            body(r#","outcome":"done","millis":18446744073709551615"#),
            body(r#","outcome":"done""#),
            "no JSON".to_owned(),
            "[]".to_owned(),
        ]) {
            add(&conn, seq, "tool_result", Some(&body), None);
        }
        add(&conn, 8, "tool_result", None, Some(&file));
        add(&conn, 9, "note", Some(&body(r#","outcome":"done","millis":5"#)), None);
        bring_up_to_date(&conn, &path, Duration::ZERO).unwrap();

        let expected = [
            call("a", ToolOutcome::Done, 5),
            call("a", ToolOutcome::Done, u64::MAX),
            call("a", ToolOutcome::Failed, 7),
        ];
        assert_eq!(tool_calls(&mut conn, TimeRange::ALL, &blobs).unwrap(), expected);
        assert_eq!(tool_calls(&mut conn, until(3), &blobs).unwrap(), expected[..1]);
        assert_eq!(differences(&conn, &blobs).unwrap(), [""; 0]);
        // A file is read once more, and then no longer.
        rebuild(&mut conn, &blobs).unwrap();
        std::fs::remove_dir_all(blobs.directory()).unwrap();
        let mut found = tool_calls(&mut conn, TimeRange::ALL, &blobs).unwrap();
        found.sort();
        let most = u64::MAX >> 1;
        let kept = [expected[0].clone(), call("a", ToolOutcome::Done, most), expected[2].clone()];
        assert_eq!(found, kept);
    }

    #[test]
    fn columns_that_are_not_those_of_the_result_are_found_and_computed_anew() {
        let mut conn = in_memory();
        let blobs = Blobs::beside(Path::new("none"));
        conn.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
        add(&conn, 3, "tool_result", Some(r#"{"tool":"a","outcome":"done","millis":5}"#), None);
        rebuild(&mut conn, &blobs).unwrap();
        assert_eq!(differences(&conn, &blobs).unwrap(), [""; 0]);
        for damage in ["tool = 'b'", "outcome = 'failed'", "millis = 6", "millis = NULL"] {
            conn.execute(&format!("UPDATE event SET {damage}"), []).unwrap();
            assert_eq!(
                differences(&conn, &blobs).unwrap(),
                [
                    "event 3 of task t: the stored tool, outcome and duration are not those of the recorded \
                  result; `az db clean` computes them anew"
                ],
                "{damage}"
            );
            rebuild(&mut conn, &blobs).unwrap();
            let found = tool_calls(&mut conn, TimeRange::ALL, &blobs).unwrap();
            assert_eq!(found, [call("a", ToolOutcome::Done, 5)], "{damage}");
        }
    }
}
