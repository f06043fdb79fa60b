//! The options that limit a listing to a time range.

use az_core::Timestamp;
use az_core::cost::{Calendar, Period, TimeRange};
use clap::Args;
use jiff::tz::TimeZone;

use super::time::instant;
use crate::error::CliError;

/// The bounds of a time range.
#[derive(Debug, Clone, Args)]
pub(super) struct TimeRangeArgs {
    /// Start at this time: 2026-11-01, 2026-11-01T12:00:00Z, yesterday, or 2h for two hours ago
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// End before this time, written like --since
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl TimeRangeArgs {
    /// Whether no bound is given.
    pub(super) const fn is_empty(&self) -> bool {
        self.since.is_none() && self.until.is_none()
    }

    /// Whether a start is given.
    pub(super) const fn has_start(&self) -> bool {
        self.since.is_some()
    }

    /// Returns the time range: between the bounds, within the period if one is given.
    ///
    /// # Errors
    ///
    /// A usage error for an invalid time, or a range that ends before it begins.
    pub(super) fn within(
        &self,
        period: Option<Period>,
        (calendar, zone): (&Calendar, &TimeZone),
        now: Timestamp,
    ) -> Result<TimeRange, CliError> {
        let within = calendar.span(period.unwrap_or(Period::Total), now);
        let (since, until) = self.bounds(zone, now)?;
        let start = since.map_or(within.start, |at| at.max(within.start));
        let end = until.map_or(within.end, |at| at.min(within.end));
        check(start, end)?;
        Ok(TimeRange { start, end })
    }

    /// Returns the bounds that are given.
    ///
    /// # Errors
    ///
    /// As [`within`](Self::within).
    pub(super) fn bounds(
        &self,
        zone: &TimeZone,
        now: Timestamp,
    ) -> Result<(Option<Timestamp>, Option<Timestamp>), CliError> {
        let time = |text: &Option<String>, flag: &str| match text {
            None => Ok(None),
            Some(text) => instant(flag, text, zone, now).map(Some),
        };
        let (since, until) = (time(&self.since, "--since")?, time(&self.until, "--until")?);
        if let (Some(since), Some(until)) = (since, until) {
            check(since, until)?;
        }
        Ok((since, until))
    }
}

fn check(start: Timestamp, end: Timestamp) -> Result<(), CliError> {
    if start > end {
        let text = format!("invalid time range: it ends ({end}) before it begins ({start})");
        return Err(CliError::Usage(text));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use az_core::Timestamp;
    use az_core::cost::{Calendar, Period};
    use jiff::tz::TimeZone;

    use super::TimeRangeArgs;

    fn span(since: &str, until: &str, period: Option<Period>) -> Result<String, String> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let args = TimeRangeArgs { since: given(since), until: given(until) };
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let calendar = Calendar::new(zone.clone());
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let span = args.within(period, (&calendar, &zone), now).map_err(|e| e.to_string())?;
        Ok(format!("{} {}", span.start, span.end))
    }

    #[test]
    fn days_begin_in_the_time_zone_and_instants_are_exact() {
        let ok = |since, until, period| span(since, until, period).unwrap();
        assert_eq!(
            ok("2026-11-20", "2026-11-21", None),
            "2026-11-19T23:00:00Z 2026-11-20T23:00:00Z"
        );
        assert_eq!(
            ok("2026-11-20T01:00:00Z", "2026-11-20T02:00:00Z", None),
            "2026-11-20T01:00:00Z 2026-11-20T02:00:00Z"
        );
        assert_eq!(ok("7d", "2026-11-23", None), "2026-11-16T12:00:00Z 2026-11-22T23:00:00Z");
        assert_eq!(
            ok("2020-01-01", "", Some(Period::Daily)),
            "2026-11-22T23:00:00Z 2026-11-23T23:00:00Z"
        );
    }

    #[test]
    fn an_invalid_time_is_refused() {
        assert!(span("soon", "", None).unwrap_err().starts_with("--since: invalid time \"soon\""));
        assert!(span("2026-11-21", "2026-11-20", None).unwrap_err().contains("before it begins"));
    }
}
