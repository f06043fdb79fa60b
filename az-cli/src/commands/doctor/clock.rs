//! Checks the clock of the machine.

use std::time::Duration;

use az_core::clock::{Clock, SystemClock};
use az_core::cost::TimeRange;
use az_core::store::Store;
use az_core::task::TaskFilter;
use az_core::{Result, Timestamp};
use jiff::SignedDuration;
use jiff::tz::TimeZone;

use crate::output::duration;
use crate::views::CheckView;

const CLOCK: &str = "clock";

/// The clocks of machines that share a store may differ by this much.
const TOLERATED: SignedDuration = SignedDuration::from_secs(60);

/// The first year that can be right: that of this program's first release.
const FIRST_YEAR: i16 = 2026;
/// The years after it that the clock may show.
const YEARS: i16 = 50;

/// Checks the year, and that no record of the store is from the future.
pub(super) async fn check(store: Option<&dyn Store>) -> CheckView {
    let now = SystemClock.now();
    let year = now.to_zoned(TimeZone::UTC).year();
    if !(FIRST_YEAR..FIRST_YEAR + YEARS).contains(&year) {
        let found = format!("it shows {now}, which cannot be right");
        return CheckView::error(CLOCK, found).with_remedy(SET);
    }
    let newest = match store {
        Some(store) => newest(store, now).await,
        None => Ok(None),
    };
    match newest {
        Ok(Some(newest)) if newest.duration_since(now) > TOLERATED => ahead(now, newest),
        Ok(Some(_)) => CheckView::ok(CLOCK, format!("{now}; no record is newer")),
        // A store that cannot be read is reported by its own check.
        Ok(None) | Err(_) => CheckView::ok(CLOCK, now.to_string()),
    }
}

const SET: &str =
    "set the clock, as with `timedatectl set-ntp true`: costs and budgets are booked by it";

fn ahead(now: Timestamp, newest: Timestamp) -> CheckView {
    let by = Duration::try_from(newest.duration_since(now)).unwrap_or_default();
    let found = format!(
        "it shows {now}, but the newest record is from {newest}, {} later: the clock was set back, or \
         that of another machine is ahead",
        duration(by)
    );
    CheckView::warning(CLOCK, found).with_remedy(SET)
}

/// Returns the newest time in the store: of a task, or of an entry of the ledger that is not in the past.
async fn newest(store: &dyn Store, now: Timestamp) -> Result<Option<Timestamp>> {
    let filter = TaskFilter { limit: 1, ..TaskFilter::default() };
    let tasks = store.list(&filter).await?;
    let tasks = tasks.iter().map(|task| task.created_at.max(task.updated_at));
    let future = TimeRange { start: now, ..TimeRange::ALL };
    let entries = store.entries(future, None).await?;
    Ok(tasks.chain(entries.iter().map(|entry| entry.at)).max())
}
