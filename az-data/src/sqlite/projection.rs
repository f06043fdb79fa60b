//! Applies the effects of events.

use az_core::clock::Timestamp;
use az_core::cost::{Alert, Calendar};
use az_core::journal::{Effect, NewEvent};
use az_core::task::Lease;
use rusqlite::Connection;

use super::{hint, hold, queue};
use crate::error::Result;

/// Applies the effect of an event; returns the alerts that it reports.
pub(super) fn project(
    conn: &Connection,
    calendar: &Calendar,
    lease: &Lease,
    event: &NewEvent,
    now: Timestamp,
) -> Result<Vec<Alert>> {
    match event.effect(&lease.task, now)? {
        None => Ok(Vec::new()),
        Some(Effect::Hold(hold)) => hold::take(conn, calendar, &hold),
        Some(Effect::Settle { payer, call, settlement }) => {
            hold::settle(conn, calendar, (&payer, &call), &settlement)
        }
        Some(Effect::TakeHint(id)) => {
            hint::take(conn, &lease.task, &id)?;
            Ok(Vec::new())
        }
        Some(Effect::Finish(outcome)) => {
            queue::finish(conn, lease, &outcome, now)?;
            Ok(Vec::new())
        }
    }
}
