//! Durations, as options and the configuration have them.

use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

/// Parses `90s`, `10m`, `1h30m`, `7d`; a number without a unit is seconds, a day is 24 hours.
///
/// # Errors
///
/// What is expected instead.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().map(Duration::from_secs);
    let duration = seconds.or_else(|| {
        let span = text.parse::<Span>().ok()?;
        let signed = span.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
        Duration::try_from(signed).ok()
    });
    match duration {
        Some(Duration::ZERO) => Err("must be greater than 0".to_owned()),
        Some(duration) => Ok(duration),
        None => Err("must be a duration such as 90s, 10m or 1h30m".to_owned()),
    }
}
