//! Calendar periods: days, weeks and months of a time zone.

use std::fmt;
use std::str::FromStr;

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// The period over which a budget counts.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Period {
    #[default]
    /// From midnight to midnight.
    Daily,
    /// From Monday to Monday.
    Weekly,
    /// From the first of a month to the first of the next.
    Monthly,
    /// All of time.
    Total,
}

impl Period {
    /// All periods, shortest first.
    pub const ALL: &[Self] = &[Self::Daily, Self::Weekly, Self::Monthly, Self::Total];

    /// Returns the name used in journals and on the command line.
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

/// A half-open range of time: includes `start` and excludes `end`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimeRange {
    /// The first instant.
    pub start: Timestamp,
    /// The first instant after the range.
    pub end: Timestamp,
}

impl TimeRange {
    /// All of time.
    pub const ALL: Self = Self { start: Timestamp::MIN, end: Timestamp::MAX };

    /// Returns `true` if the range contains `at`.
    pub fn contains(&self, at: Timestamp) -> bool {
        self.start <= at && at < self.end
    }
}

/// A time zone that decides when days, weeks and months begin.
#[derive(Debug, Clone, PartialEq, Eq)]
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

    /// Returns the period that contains `at`.
    ///
    /// A day on which clocks change has 23 or 25 hours.
    pub fn span(&self, period: Period, at: Timestamp) -> TimeRange {
        self.around(period, at).1
    }

    /// Returns the date at `at`.
    pub fn date(&self, at: Timestamp) -> Date {
        self.around(Period::Daily, at).0
    }

    /// Returns the period that contains `at` and the date on which it begins.
    fn around(&self, period: Period, at: Timestamp) -> (Date, TimeRange) {
        let today = at.to_zoned(self.0.clone()).date();
        if period == Period::Total {
            return (today, TimeRange::ALL);
        }
        let mut first = first_of(period, today);
        // Where clocks change at midnight, a date can occur twice or begin late. The time shown
        // then lies in the period beside the computed one.
        if at < self.begin(first) {
            first = first_of(period, first.saturating_sub(1.day()));
        }
        let mut next = next_after(period, first);
        if at >= self.begin(next) {
            (first, next) = (next, next_after(period, next));
        }
        let start = self.begin(first);
        let end = if next > first { self.begin(next) } else { Timestamp::MAX };
        (first, TimeRange { start, end })
    }

    /// Returns the first instant of a date, clamped to the range of times.
    fn begin(&self, date: Date) -> Timestamp {
        let edge = if date.year() < 0 { Timestamp::MIN } else { Timestamp::MAX };
        date.to_zoned(self.0.clone()).map_or(edge, |midnight| midnight.timestamp())
    }
}

/// Returns the first date of the period that contains a date.
fn first_of(period: Period, date: Date) -> Date {
    match period {
        Period::Daily | Period::Total => date,
        Period::Weekly => {
            let since = date.weekday().since(Weekday::Monday);
            date.saturating_sub(i64::from(since).days())
        }
        Period::Monthly => date.first_of_month(),
    }
}

/// Returns the first date after a period that begins on `first`.
fn next_after(period: Period, first: Date) -> Date {
    match period {
        Period::Daily | Period::Total => first.saturating_add(1.day()),
        Period::Weekly => first.saturating_add(7.days()),
        Period::Monthly => first.saturating_add(1.month()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;

    use super::{Calendar, Period};
    use crate::clock::Timestamp;

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

    #[test]
    fn a_day_has_its_date_where_midnight_is_skipped_or_repeated() {
        let check = |zone: &str, at: &str, expect: &str| {
            let zone = jiff::tz::TimeZone::get(zone).unwrap();
            let date = Calendar::new(zone).date(at.parse().unwrap());
            assert_eq!(date.to_string(), expect, "{at}");
        };
        // Midnight was skipped: the 4th began at 01:00.
        check("America/Sao_Paulo", "2018-11-04T02:59:59Z", "2018-11-03");
        check("America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-04");
        // At 00:01 clocks went back an hour, into the previous day.
        check("America/St_Johns", "2010-11-07T02:30:30Z", "2010-11-07");
        check("America/St_Johns", "2010-11-07T02:45:00Z", "2010-11-07");
        // A whole day was skipped.
        check("Pacific/Apia", "2011-12-30T09:59:59Z", "2011-12-29");
        check("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31");
    }

    #[test]
    fn every_period_contains_its_times_and_ends_where_the_next_begins() {
        for name in [
            "Africa/Monrovia",
            "America/Juneau",
            "America/Nuuk",
            "America/Sao_Paulo",
            "America/St_Johns",
            "America/Toronto",
            "Antarctica/Troll",
            "Asia/Manila",
            "Europe/Berlin",
            "Pacific/Apia",
        ] {
            let zone = jiff::tz::TimeZone::get(name).unwrap();
            let calendar = Calendar::new(zone.clone());
            let changes = zone.following(Timestamp::MIN).take(250).map(|change| change.timestamp());
            for at in changes.flat_map(|change| {
                [-90, -30, -1, 0, 1, 30, 90].map(|minutes: i64| change + minutes.minutes())
            }) {
                for period in Period::ALL {
                    let span = calendar.span(*period, at);
                    assert!(span.contains(at), "{name} {period} {at}: {span:?}");
                    if span.end < Timestamp::MAX {
                        let next = calendar.span(*period, span.end);
                        assert_eq!(next.start, span.end, "{name} {period} {at}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_first_and_last_instants_have_periods() {
        let east = Calendar::new(jiff::tz::TimeZone::get("Pacific/Kiritimati").unwrap());
        let last = Timestamp::MAX - 1.microsecond();
        for calendar in [Calendar::default(), east] {
            for period in Period::ALL {
                for at in [Timestamp::MIN, last] {
                    let span = calendar.span(*period, at);
                    assert!(span.contains(at), "{period} {at}: {span:?}");
                }
            }
        }
    }
}
