//! The stretch of time that a listing is about.

use az_core::Timestamp;
use az_core::cost::{Calendar, Period, TimeRange};
use clap::Args;
use jiff::tz::TimeZone;

use crate::commands::time::instant;
use crate::error::CliError;

/// Since when and until when.
#[derive(Debug, Clone, Args)]
pub(super) struct SpanArgs {
    /// From this day or instant on: 2026-11-01, 2026-11-01T12:00:00Z, or 7d for a week ago
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Up to this day or instant, which does not belong to it
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl SpanArgs {
    /// Whether nothing is said.
    pub(super) const fn is_empty(&self) -> bool {
        self.since.is_none() && self.until.is_none()
    }

    /// Returns the span: what is given, within the period if one is given too.
    ///
    /// # Errors
    ///
    /// A usage error for a time that is none, or a span that ends before it begins.
    pub(super) fn span(
        &self,
        period: Option<Period>,
        (calendar, zone): (&Calendar, &TimeZone),
        now: Timestamp,
    ) -> Result<TimeRange, CliError> {
        let within = calendar.span(period.unwrap_or(Period::Total), now);
        let time = |text: &Option<String>, flag: &str| match text {
            None => Ok(None),
            Some(text) => instant(flag, text, zone, now).map(Some),
        };
        let start = time(&self.since, "--since")?.map_or(within.start, |at| at.max(within.start));
        let end = time(&self.until, "--until")?.map_or(within.end, |at| at.min(within.end));
        if start > end {
            let text = format!("the time would end ({end}) before it begins ({start})");
            return Err(CliError::Usage(text));
        }
        Ok(TimeRange { start, end })
    }
}

#[cfg(test)]
mod tests {
    use az_core::Timestamp;
    use az_core::cost::{Calendar, Period};
    use jiff::tz::TimeZone;

    use super::SpanArgs;

    fn span(since: &str, until: &str, period: Option<Period>) -> Result<String, String> {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let args = SpanArgs { since: given(since), until: given(until) };
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let calendar = Calendar::new(zone.clone());
        let now: Timestamp = "2026-11-23T12:00:00Z".parse().unwrap();
        let span = args.span(period, (&calendar, &zone), now).map_err(|e| e.to_string())?;
        Ok(format!("{} {}", span.start, span.end))
    }

    #[test]
    fn days_are_the_calendars_and_instants_are_instants() {
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
    fn what_is_no_time_is_refused() {
        assert!(span("soon", "", None).unwrap_err().starts_with("--since \"soon\" is no time"));
        assert!(span("2026-11-21", "2026-11-20", None).unwrap_err().contains("before it begins"));
    }
}
