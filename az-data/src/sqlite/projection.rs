//! What events move besides the journal.

use az_core::clock::Timestamp;
use az_core::cost::{Alert, Calendar, Payer};
use az_core::journal::{EventBody, NewEvent};
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
            hold::take(conn, calendar, &intent.hold_of(&lease.task, event.call_id()?, now))
        }
        EventBody::LlmResult(result) => {
            let (payer, call) = (Payer::from(&lease.task), event.call_id()?);
            hold::settle(conn, calendar, (&payer, call), &result.settlement)
        }
        EventBody::RunFinished { outcome, .. } => {
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
