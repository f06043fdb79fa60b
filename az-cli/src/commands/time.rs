//! Times on the command line.

use az_ai::resolver::near;
use az_core::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Span, ToSpan};

use crate::error::CliError;
use crate::models::did_you_mean;

/// The words for times.
const WORDS: [&str; 3] = ["now", "today", "yesterday"];

/// Parses a time: a date, a date with a time of day, an instant of RFC 3339, how long ago something was, or a word.
/// Dates and times of day are those of the time zone.
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
    read(text.trim(), zone, now).ok_or_else(|| {
        let likely = did_you_mean(&near(text, WORDS.into_iter()));
        CliError::Usage(format!(
            "{flag}: invalid time {text:?}{likely}; use a form such as 2026-11-01, 2026-11-01T12:00, \
             2026-11-01T12:00:00Z, 2h or 7d for how long ago, today or yesterday"
        ))
    })
}

fn read(text: &str, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let of_day = |day: Date| Some(day.to_zoned(zone.clone()).ok()?.timestamp());
    let today = now.to_zoned(zone.clone()).date();
    match text.to_ascii_lowercase().as_str() {
        "now" => return Some(now),
        "today" => return of_day(today),
        "yesterday" => return of_day(today.checked_sub(1.day()).ok()?),
        _ => {}
    }
    if let Ok(day) = text.parse::<Date>() {
        // A date with a time of day parses as a date, too.
        let at = text.parse::<DateTime>().unwrap_or_else(|_| day.into());
        return Some(at.to_zoned(zone.clone()).ok()?.timestamp());
    }
    // `2h`, `7 days`, `2h ago`; a sign would have to mean the future.
    let ago: Span = text.parse().ok().filter(|_| !text.starts_with(['-', '+']))?;
    let then = now.to_zoned(zone.clone()).checked_sub(ago.abs()).ok()?.timestamp();
    Some(then)
}

#[cfg(test)]
mod tests {
    use az_core::Timestamp;
    use jiff::tz::TimeZone;

    use super::instant;

    fn at(text: &str) -> Result<String, String> {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now: Timestamp = "2026-03-30T10:30:00Z".parse().unwrap();
        let at = instant("--since", text, &zone, now);
        at.map(|at| at.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn every_form_of_a_time_is_accepted() {
        for (text, expected) in [
            ("2024-01-01", "2023-12-31T23:00:00Z"),
            ("2024-01-01T12:30", "2024-01-01T11:30:00Z"),
            ("2024-01-01 12:30:15", "2024-01-01T11:30:15Z"),
            ("2024-01-01T12:30:00Z", "2024-01-01T12:30:00Z"),
            ("2024-01-01T12:30:00+05:30", "2024-01-01T07:00:00Z"),
            ("now", "2026-03-30T10:30:00Z"),
            ("today", "2026-03-29T22:00:00Z"),
            // The clocks went forward on that day: it has 23 hours.
            ("yesterday", "2026-03-28T23:00:00Z"),
            ("Yesterday", "2026-03-28T23:00:00Z"),
            ("2h", "2026-03-30T08:30:00Z"),
            ("90m", "2026-03-30T09:00:00Z"),
            ("1h 30m", "2026-03-30T09:00:00Z"),
            ("2 hours ago", "2026-03-30T08:30:00Z"),
            ("1d", "2026-03-29T10:30:00Z"),
            ("2w", "2026-03-16T11:30:00Z"),
        ] {
            assert_eq!(at(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_invalid_time_is_refused_with_the_accepted_forms() {
        for text in
            ["tomorrowish", "", "soon", "5", "-2h", "2024-13-01", "2024-01-01T25:00", "12:30"]
        {
            let error = at(text).unwrap_err();
            let begins = format!("--since: invalid time {text:?}");
            assert!(error.starts_with(&begins), "{error}");
            assert!(error.contains("use a form such as 2026-11-01,"), "{error}");
        }
        let error = at("yesterdya").unwrap_err();
        assert!(error.contains("did you mean yesterday?"), "{error}");
    }
}
