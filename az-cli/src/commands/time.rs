//! Times on the command line.

use az_core::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::error::CliError;

/// Parses an instant, a date, or how long ago something was.
///
/// # Errors
///
/// A usage error that shows the accepted forms.
pub(super) fn instant(
    flag: &str,
    text: &str,
    zone: &TimeZone,
    now: Timestamp,
) -> Result<Timestamp, CliError> {
    read(text, zone, now).ok_or_else(|| {
        CliError::Usage(format!(
            "{flag}: invalid time {text:?}; use a form such as 2026-11-01, 2026-11-01T12:00:00Z, or \
             7d for a week ago"
        ))
    })
}

fn read(text: &str, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(day) = text.parse::<Date>() {
        return Some(day.to_zoned(zone.clone()).ok()?.timestamp());
    }
    let ago: jiff::Span = text.parse().ok()?;
    let then = now.to_zoned(zone.clone()).checked_sub(ago).ok()?.timestamp();
    (then <= now).then_some(then)
}
