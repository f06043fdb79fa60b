//! The journal in SQLite.

use async_trait::async_trait;
use az_core::clock::Timestamp;
use az_core::cost::{Calendar, TimeRange};
use az_core::error::Error;
use az_core::id::{CallId, TaskId};
use az_core::journal::{
    Appended, ContextChange, Event, EventBody, Journal, NewEvent, ToolCallSummary, check_append,
};
use az_core::task::{Lease, Task, WaitAnswer};
use rusqlite::{Connection, ffi, named_params};

use super::blob::Blobs;
use super::json;
use super::ledger::call_id;
use super::projection::project;
use super::queue::change;
use super::row::{Columns, all, bound, first, micros, prepare, run};
use super::store::SqliteStore;
use super::task_row::find_lease;
use super::tool_call::{self, ToolColumns};
use crate::error::{Result, SqliteError};

/// The size in bytes above which a body is stored in a file.
const LARGE: usize = 64 << 10;

/// The size in bytes above which a prompt is stored in a file. Tasks with the same tools have the same
/// prompt, and share the file.
const LARGE_PROMPT: usize = 1 << 10;

/// The columns of an event, in the order in which [`Row::read`] reads them.
const EVENT: &str = "SELECT seq, epoch, call_id, at, body, blob, type FROM event \
    WHERE namespace = az_namespace() AND task_id = ?1";

/// The bodies that are in rows, for [`check`].
pub(super) const BODY: &str = "SELECT task_id, seq, body FROM event \
    WHERE namespace = az_namespace() AND body IS NOT NULL";

/// Checks that a body can be read.
pub(super) fn check(row: &mut Columns<'_>) -> Result<()> {
    let (task, seq): (String, i64) = (row.take()?, row.take()?);
    let body = row.parsed(|text| json::read::<EventBody>("body", text)).map(drop);
    body.map_err(|error| error.of("event", format_args!("{seq} of task {task}")))
}

#[async_trait]
impl Journal for SqliteStore {
    async fn append(
        &self,
        lease: &Lease,
        next_seq: u64,
        events: Vec<NewEvent>,
        now: Timestamp,
    ) -> Result<Appended, Error> {
        self.writer()?;
        let texts: Result<Vec<_>> = events.iter().map(written).collect();
        let bodies = self.keep(texts?).await?;
        let append = Append {
            calendar: self.calendar(),
            blobs: self.blobs(),
            lease: lease.clone(),
            next_seq,
            events,
            bodies,
            now,
        };
        self.write(move |conn| append.run(conn)).await
    }

    async fn answer(
        &self,
        task: &TaskId,
        answer: &WaitAnswer,
        now: Timestamp,
    ) -> Result<Task, Error> {
        self.writer()?;
        let event = NewEvent::from(answer);
        let mut bodies = self.keep(vec![written(&event)?]).await?;
        let body =
            bodies.pop().ok_or_else(|| Error::Internal("an answer has no body".to_owned()))?;
        let (id, answer, blobs) = (task.clone(), answer.clone(), self.blobs());
        self.write(move |conn| {
            let is_answered = is_recorded(conn, &id, &event)?;
            let (task, epoch) = change(conn, &id, now, |row| {
                row.answer(&answer, is_answered, now)?;
                Ok((row.task.clone(), row.epoch))
            })?;
            let place = Place { task: &id, epoch, seq: end(conn, &id)?, now };
            add(conn, &blobs, place, &event, &body)?;
            Ok(task)
        })
        .await
    }

    async fn read(&self, task: &TaskId, from: u64, limit: usize) -> Result<Vec<Event>, Error> {
        let (task, blobs) = (task.clone(), self.blobs());
        self.scan(move |conn| {
            let sql = format!("{EVENT} AND seq >= ?2 ORDER BY seq LIMIT ?3");
            // A number that does not fit into an integer is beyond the last event.
            let from = i64::try_from(from).unwrap_or(i64::MAX);
            let params = (task.as_str(), from, bound(limit));
            all(conn, &sql, params, |row| Row::read(row)?.into_event(&task, &blobs))
        })
        .await
    }

    async fn tail(&self, task: &TaskId) -> Result<Vec<Event>, Error> {
        let (task, blobs) = (task.clone(), self.blobs());
        self.scan(move |conn| {
            let look = conn.transaction()?;
            tail(&look, &task, &blobs)
        })
        .await
    }

    async fn tool_calls(&self, span: TimeRange) -> Result<Vec<ToolCallSummary>, Error> {
        let blobs = self.blobs();
        self.scan(move |conn| tool_call::tool_calls(conn, span, &blobs)).await
    }
}

/// The body of an event, as its row stores it.
#[derive(Debug)]
enum Body {
    Text(String),
    Blob { name: String, text: String },
}

/// Returns the body of an event as text, and the size above which it is stored in a file.
fn written(event: &NewEvent) -> Result<(String, usize)> {
    let most = if has_prompt(&event.body) { LARGE_PROMPT } else { LARGE };
    Ok((json::write("event", &event.body)?, most))
}

fn has_prompt(body: &EventBody) -> bool {
    match body {
        EventBody::Context(ContextChange::Prompt(_)) => true,
        EventBody::Copied { event, .. } => has_prompt(&event.body),
        _ => false,
    }
}

impl SqliteStore {
    /// Writes large bodies to disk, before the transaction that refers to them and without blocking
    /// the runtime.
    async fn keep(&self, texts: Vec<(String, usize)>) -> Result<Vec<Body>, Error> {
        if texts.iter().all(|(text, most)| text.len() <= *most) {
            return Ok(texts.into_iter().map(|(text, _)| Body::Text(text)).collect());
        }
        let blobs = self.blobs();
        let keep = move || {
            let keep = |(text, most): (String, usize)| {
                if text.len() <= most {
                    return Ok(Body::Text(text));
                }
                blobs.put(&text).map(|name| Body::Blob { name, text })
            };
            texts.into_iter().map(keep).collect::<Result<Vec<_>>>()
        };
        let kept = match tokio::runtime::Handle::try_current() {
            Ok(_) => az_core::blocking::run(keep).await?,
            Err(_) => keep(),
        };
        Ok(kept?)
    }
}

/// A prepared append.
#[derive(Debug)]
struct Append {
    calendar: Calendar,
    blobs: Blobs,
    lease: Lease,
    next_seq: u64,
    events: Vec<NewEvent>,
    bodies: Vec<Body>,
    now: Timestamp,
}

impl Append {
    /// Writes all events before it applies their effects, so that a repeated event is refused also
    /// if a budget would refuse the append.
    fn run(&self, conn: &Connection) -> Result<Appended> {
        self.check(conn)?;
        let mut next_seq = self.next_seq;
        for (event, body) in self.events.iter().zip(&self.bodies) {
            let (task, epoch) = (&self.lease.task, self.lease.epoch);
            let place = Place { task, epoch, seq: next_seq, now: self.now };
            add(conn, &self.blobs, place, event, body)?;
            next_seq += 1;
        }
        let mut alerts = Vec::new();
        for event in &self.events {
            alerts.extend(project(conn, &self.calendar, &self.lease, event, self.now)?);
        }
        Ok(Appended { next_seq, alerts })
    }

    fn check(&self, conn: &Connection) -> Result<()> {
        let task = &self.lease.task;
        let current = find_lease(conn, task)?;
        let end = end(conn, task)?;
        Ok(check_append(&self.lease, current.as_ref(), self.next_seq, end, &self.events)?)
    }
}

/// The place of an event in a journal.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    task: &'a TaskId,
    epoch: u64,
    seq: u64,
    now: Timestamp,
}

/// Adds an event to a journal.
fn add(
    conn: &Connection,
    blobs: &Blobs,
    place: Place<'_>,
    event: &NewEvent,
    body: &Body,
) -> Result<()> {
    let sql = "INSERT INTO event (namespace, task_id, seq, epoch, type, call_id, at, body, blob, \
            tool, outcome, millis) \
        VALUES (az_namespace(), :task, :seq, :epoch, :type, :call, :at, :body, :blob, \
            :tool, :outcome, :millis)";
    let (text, blob) = match body {
        Body::Text(text) => (Some(text), None),
        Body::Blob { name, text } => {
            blobs.keep(name, text)?;
            (None, Some(name))
        }
    };
    let columns = ToolColumns::of(&event.body);
    let params = named_params! {
        ":task": place.task.as_str(),
        ":seq": place.seq.cast_signed(),
        ":epoch": place.epoch.cast_signed(),
        ":type": event.body.name(),
        ":call": event.call.as_ref().map(|call| call.as_str()),
        ":at": micros(place.now),
        ":body": text,
        ":blob": blob,
        ":tool": columns.tool,
        ":outcome": columns.outcome,
        ":millis": columns.millis,
    };
    match run(conn, sql, params) {
        Err(error) if event.call.is_some() && is_repeated(&error) => Err(event.repeated().into()),
        added => added.map(drop),
    }
}

/// Returns the number of the next event of a journal.
fn end(conn: &Connection, task: &TaskId) -> Result<u64> {
    let sql = "SELECT max(seq) FROM event WHERE namespace = az_namespace() AND task_id = ?1";
    let last = first(conn, sql, [task.as_str()], |row| row.take::<Option<i64>>())?;
    Ok(last.flatten().map_or(0, |last| last.cast_unsigned() + 1))
}

/// Returns `true` if a journal has an event of this type about this call.
fn is_recorded(conn: &Connection, task: &TaskId, event: &NewEvent) -> Result<bool> {
    let sql = "SELECT 1 FROM event WHERE namespace = az_namespace() AND task_id = ?1 \
        AND call_id = ?2 AND type = ?3";
    let call = event.call.as_ref().map(|call| call.as_str());
    let params = (task.as_str(), call, event.body.name());
    Ok(first(conn, sql, params, |row| row.take::<i64>())?.is_some())
}

fn is_repeated(error: &SqliteError) -> bool {
    let SqliteError::Sqlite(rusqlite::Error::SqliteFailure(code, _)) = error else {
        return false;
    };
    code.extended_code == ffi::SQLITE_CONSTRAINT_UNIQUE
}

/// Reads from the last readable snapshot on.
fn tail(conn: &Connection, task: &TaskId, blobs: &Blobs) -> Result<Vec<Event>> {
    let sql = format!("{EVENT} AND type = 'snapshot' ORDER BY seq DESC");
    let mut query = prepare(conn, &sql)?;
    let mut snapshots = query.query([task.as_str()])?;
    let mut start = None;
    while start.is_none()
        && let Some(row) = snapshots.next()?
    {
        let row = Row::read(&mut Columns::of(row))?;
        let seq = row.seq;
        match row.into_event(task, blobs) {
            Ok(snapshot) => start = Some(snapshot),
            Err(error) => tracing::warn!(%task, seq, %error, "a snapshot is passed over"),
        }
    }
    let from = start.as_ref().map_or(0, |snapshot| snapshot.seq + 1);
    let sql = format!("{EVENT} AND seq >= ?2 ORDER BY seq");
    let rest = all(conn, &sql, (task.as_str(), from.cast_signed()), |row| {
        let row = Row::read(row)?;
        // Only the skipped snapshots are left. They repeat earlier events, but their numbers must
        // not be missing.
        if row.name == "snapshot" {
            return Ok(row.into_gap(task));
        }
        row.into_event(task, blobs)
    })?;
    Ok(start.into_iter().chain(rest).collect())
}

/// An event as its row stores it.
struct Row {
    seq: u64,
    epoch: u64,
    call: Option<CallId>,
    at: Timestamp,
    body: Option<String>,
    blob: Option<String>,
    name: String,
}

impl Row {
    fn read(row: &mut Columns<'_>) -> Result<Self> {
        Ok(Self {
            seq: row.count()?,
            epoch: row.count()?,
            call: row.take::<Option<String>>()?.as_deref().map(call_id).transpose()?,
            at: row.time()?,
            body: row.take()?,
            blob: row.take()?,
            name: row.take()?,
        })
    }

    fn into_event(self, task: &TaskId, blobs: &Blobs) -> Result<Event> {
        let seq = self.seq;
        self.decode(task, blobs).map_err(|error| match error {
            SqliteError::Unreadable { reason, .. } => {
                let task = task.clone();
                Error::BrokenJournal { task, seq, reason }.into()
            }
            other => other,
        })
    }

    fn decode(mut self, task: &TaskId, blobs: &Blobs) -> Result<Event> {
        let text = blobs.body(self.body.take(), self.blob.as_deref())?;
        let body = json::read("body", &text)?;
        Ok(self.with(task, body))
    }

    fn into_gap(self, task: &TaskId) -> Event {
        let text = "a snapshot that cannot be read".to_owned();
        self.with(task, EventBody::Note { text })
    }

    fn with(self, task: &TaskId, body: EventBody) -> Event {
        Event {
            task: task.clone(),
            seq: self.seq,
            epoch: self.epoch,
            at: self.at,
            event: NewEvent { call: self.call, body },
        }
    }
}
