//! The prices and properties of a model.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::token_price::TokenPrice;
use az_core::clock::Timestamp;

/// The prices and properties of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPrices {
    /// The provider.
    pub provider: Cow<'static, str>,
    /// The provider's name for the model, in lower case; `*` matches all models of the provider.
    pub model: Cow<'static, str>,
    /// Other names of the model.
    pub names: Vec<Cow<'static, str>>,
    /// The context window: the most tokens of a request and its reply together.
    pub context_window: Option<u64>,
    /// The maximum of output tokens.
    pub max_output: Option<u64>,
    /// The capabilities; `None` when they are unknown.
    pub features: Option<Features>,
    /// The prices. Of those in effect at a time, the last one applies.
    pub rows: Vec<PriceRow>,
    /// The source of the prices.
    pub source: Source,
}

/// The source of prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The bundled table.
    Bundled,
    /// The user.
    Override,
}

/// The capabilities of a model, as the table has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent properties, not a state")]
pub struct Features {
    /// Calls tools.
    pub tools: bool,
    /// Accepts images.
    pub vision: bool,
    /// Reasons before it replies.
    pub reasoning: bool,
    /// Supports structured output.
    pub formats: bool,
}

/// Prices for a span of time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PriceRow {
    /// The time from which they apply.
    pub from: Option<Timestamp>,
    /// The time from which they no longer apply.
    pub until: Option<Timestamp>,
    /// The hours of the day at which they apply; all when absent.
    pub hours: Option<Hours>,
    /// The prices of the default service tier.
    pub card: Card,
    /// The price of a web search.
    pub search: Option<TokenPrice>,
    /// The fee of a request, whatever its tokens.
    pub request: Option<TokenPrice>,
    /// The prices of other service tiers, by the provider's names.
    pub tiers: BTreeMap<Cow<'static, str>, Card>,
}

/// Hours of the day, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// The first minute of the day.
    pub from: u32,
    /// The minute at which they end, exclusive; may be less than the first, for a span over
    /// midnight.
    pub until: u32,
    /// The days of the week.
    pub days: Days,
}

/// Days of the week, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Days {
    /// Every day.
    All,
    /// Monday to Friday.
    Weekdays,
}

/// The prices of a service tier.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Card {
    /// The prices.
    pub rates: Rates,
    /// Prices of requests with more input tokens than a threshold, for the whole request; smallest
    /// threshold first.
    pub above: Vec<(u64, Rates)>,
}

/// Prices by the kind of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// Fresh input.
    pub input: Option<TokenPrice>,
    /// Output.
    pub output: Option<TokenPrice>,
    /// Input read from a cache.
    pub cache_read: Option<TokenPrice>,
    /// Input written to a cache, for five minutes where the provider distinguishes.
    pub cache_write_5m: Option<TokenPrice>,
    /// Input written to a cache for an hour.
    pub cache_write_1h: Option<TokenPrice>,
    /// Audio input.
    pub audio_input: Option<TokenPrice>,
    /// Audio output.
    pub audio_output: Option<TokenPrice>,
    /// Reasoning, where it is not priced as output.
    pub reasoning: Option<TokenPrice>,
}

impl ModelPrices {
    /// Returns the prices in effect at a time.
    pub fn row(&self, at: Timestamp) -> Option<&PriceRow> {
        self.rows.iter().rfind(|row| row.in_force(at) && row.in_hours(at))
    }

    /// Returns all prices in effect at some hour of a day.
    pub(super) fn rows_of_day(&self, at: Timestamp) -> impl Iterator<Item = &PriceRow> {
        let base = self.rows.iter().rfind(|row| row.in_force(at) && row.hours.is_none());
        let hourly = self.rows.iter().filter(move |row| row.in_force(at) && row.hours.is_some());
        base.into_iter().chain(hourly)
    }
}

impl PriceRow {
    fn in_force(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }

    fn in_hours(&self, at: Timestamp) -> bool {
        self.hours.is_none_or(|hours| hours.contain(at))
    }
}

impl Hours {
    /// Whether a time is within the hours.
    pub fn contain(&self, at: Timestamp) -> bool {
        const DAY: i64 = 86_400;
        let seconds = at.as_second();
        // The first of January 1970 was a Thursday, three days after a Monday.
        let weekday = (seconds.div_euclid(DAY) + 3).rem_euclid(7);
        let minute = seconds.rem_euclid(DAY) / 60;
        let (from, until) = (i64::from(self.from), i64::from(self.until));
        let within = if from <= until {
            from <= minute && minute < until
        } else {
            from <= minute || minute < until
        };
        within && (self.days == Days::All || weekday < 5)
    }
}

impl Card {
    /// Returns the prices of a request with this number of input tokens.
    pub fn rates(&self, input_tokens: u64) -> Rates {
        let above = self.above.iter().rfind(|(tokens, _)| input_tokens > *tokens);
        above.map_or(self.rates, |(_, rates)| rates.or(&self.rates))
    }
}

impl Rates {
    /// Returns these prices, with missing ones taken from others.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            input: self.input.or(other.input),
            output: self.output.or(other.output),
            cache_read: self.cache_read.or(other.cache_read),
            cache_write_5m: self.cache_write_5m.or(other.cache_write_5m),
            cache_write_1h: self.cache_write_1h.or(other.cache_write_1h),
            audio_input: self.audio_input.or(other.audio_input),
            audio_output: self.audio_output.or(other.audio_output),
            reasoning: self.reasoning.or(other.reasoning),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Days, Hours};

    #[test]
    fn hours_apply_on_their_days_of_the_week() {
        let hours = |from, until, days| Hours { from, until, days };
        let holds = |hours: Hours, at: &str| hours.contain(at.parse().unwrap());
        let peak = hours(60, 240, Days::Weekdays);
        assert!(holds(peak, "2026-11-23T01:00:00Z"), "a Monday");
        assert!(!holds(peak, "2026-11-23T04:00:00Z"));
        assert!(!holds(peak, "2026-11-22T01:00:00Z"), "a Sunday");
        assert!(!holds(peak, "2026-11-21T01:00:00Z"), "a Saturday");
        let night = hours(1380, 60, Days::All);
        assert!(holds(night, "2026-11-22T23:30:00Z") && holds(night, "2026-11-22T00:59:59Z"));
        assert!(!holds(night, "2026-11-22T01:00:00Z"));
        assert!(holds(peak, "1969-12-31T02:00:00Z"), "a Wednesday before all time");
    }
}
