//! Calendar periods: days, weeks and months as people in a place count them.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::Weekday;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// How long money is counted together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// From midnight to midnight.
    Daily,
    /// From Monday to Monday.
    Weekly,
    /// From the first to the first.
    Monthly,
    /// From the beginning on.
    Total,
}

impl Period {
    /// All of them, shortest first.
    pub const ALL: &[Self] = &[Self::Daily, Self::Weekly, Self::Monthly, Self::Total];

    /// Returns the name used in records and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
            Self::Total => "total",
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Period {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        let known = |p: &&Self| p.as_str() == name;
        Self::ALL.iter().find(known).copied().ok_or_else(|| {
            Error::invalid("period", format!("{name:?} is none of daily, weekly, monthly, total"))
        })
    }
}

/// A half-open stretch of time: `start` belongs to it, `end` does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Span {
    /// The first instant of it.
    pub start: Timestamp,
    /// The first instant after it.
    pub end: Timestamp,
}

impl Span {
    /// All of time.
    pub const ALL: Self = Self { start: Timestamp::MIN, end: Timestamp::MAX };

    /// Whether `at` lies in it.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

/// Where days begin: calendar periods in a time zone.
#[derive(Debug, Clone)]
pub struct Calendar(TimeZone);

impl Default for Calendar {
    fn default() -> Self {
        Self(TimeZone::UTC)
    }
}

impl Calendar {
    /// Returns the calendar of a time zone.
    pub const fn new(zone: TimeZone) -> Self {
        Self(zone)
    }

    /// Returns the period around `at`.
    ///
    /// A day that changes to or from summer time has 23 or 25 hours, as it should.
    pub fn span(&self, period: Period, at: Timestamp) -> Span {
        self.bounded(period, at).unwrap_or(Span::ALL)
    }

    /// Returns the bounds, or `None` for all of time and at its very ends.
    fn bounded(&self, period: Period, at: Timestamp) -> Option<Span> {
        let day = at.to_zoned(self.0.clone()).date();
        let (first, next) = match period {
            Period::Total => return None,
            Period::Daily => (day, day.checked_add(1.day()).ok()?),
            Period::Weekly => {
                let since = day.weekday().since(Weekday::Monday);
                let monday = day.checked_sub(i64::from(since).days()).ok()?;
                (monday, monday.checked_add(7.days()).ok()?)
            }
            Period::Monthly => {
                let first = day.first_of_month();
                (first, first.checked_add(1.month()).ok()?)
            }
        };
        let start = first.to_zoned(self.0.clone()).ok()?.timestamp();
        let end = next.to_zoned(self.0.clone()).ok()?.timestamp();
        Some(Span { start, end })
    }
}

#[cfg(test)]
mod tests {
    use super::{Calendar, Period};

    fn check(zone: &str, at: &str, period: Period, expect: &str) {
        let zone = jiff::tz::TimeZone::get(zone).unwrap();
        let span = Calendar::new(zone).span(period, at.parse().unwrap());
        assert_eq!(format!("{} {}", span.start, span.end), expect);
    }

    #[test]
    fn periods_are_half_open_and_follow_the_calendar() {
        let utc = "UTC";
        check(
            utc,
            "2026-03-01T00:00:00Z",
            Period::Daily,
            "2026-03-01T00:00:00Z 2026-03-02T00:00:00Z",
        );
        check(
            utc,
            "2026-03-01T12:00:00Z",
            Period::Weekly,
            "2026-02-23T00:00:00Z 2026-03-02T00:00:00Z",
        );
        check(
            utc,
            "2026-02-28T23:59:59Z",
            Period::Monthly,
            "2026-02-01T00:00:00Z 2026-03-01T00:00:00Z",
        );
    }

    #[test]
    fn a_day_of_clock_change_has_its_own_length() {
        let berlin = "Europe/Berlin";
        check(
            berlin,
            "2026-03-29T12:00:00Z",
            Period::Daily,
            "2026-03-28T23:00:00Z 2026-03-29T22:00:00Z",
        );
        check(
            berlin,
            "2026-10-25T12:00:00Z",
            Period::Daily,
            "2026-10-24T22:00:00Z 2026-10-25T23:00:00Z",
        );
    }
}
