//! What events move besides the journal.

use az_core::clock::Timestamp;
use az_core::cost::{Alert, Calendar, Hold};
use az_core::error::Error;
use az_core::id::CallId;
use az_core::journal::{EventBody, ModelIntent, NewEvent};
use az_core::task::Lease;
use rusqlite::Connection;

use super::{hold, queue};
use crate::error::Result;

/// Moves what an event implies; returns the alerts that it crossed.
pub(super) fn project(
    conn: &Connection,
    calendar: &Calendar,
    lease: &Lease,
    event: &NewEvent,
    now: Timestamp,
) -> Result<Vec<Alert>> {
    match &event.body {
        EventBody::LlmIntent(intent) => {
            hold::take(conn, calendar, &hold_of(lease, call_of(event)?, intent, now))
        }
        EventBody::LlmResult(result) => {
            let call = (&lease.task, call_of(event)?);
            hold::settle(conn, calendar, call, &result.settlement)
        }
        EventBody::RunFinished { outcome } => {
            queue::finish(conn, lease, outcome, now)?;
            Ok(Vec::new())
        }
        EventBody::RunStarted { .. }
        | EventBody::ToolIntent(_)
        | EventBody::ApprovalAsked { .. }
        | EventBody::ApprovalGiven { .. }
        | EventBody::ToolResult(_)
        | EventBody::Note { .. }
        | EventBody::Snapshot { .. } => Ok(Vec::new()),
    }
}

fn call_of(event: &NewEvent) -> Result<&CallId, Error> {
    let nameless = || Error::invalid("event", format!("{} names no call", event.body.name()));
    event.call.as_ref().ok_or_else(nameless)
}

fn hold_of(lease: &Lease, call: &CallId, intent: &ModelIntent, now: Timestamp) -> Hold {
    Hold {
        task: lease.task.clone(),
        call: call.clone(),
        provider: intent.provider.clone(),
        model: intent.model.clone(),
        amount: intent.hold,
        at: now,
        until: intent.hold_until,
    }
}
