//! What is known of a model's prices.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::token_price::TokenPrice;
use az_core::clock::Timestamp;

/// What is known of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPrices {
    /// Who offers it.
    pub provider: Cow<'static, str>,
    /// What it is called there, in lower case; `*` stands for all models of the provider.
    pub model: Cow<'static, str>,
    /// What else it is called.
    pub names: Vec<Cow<'static, str>>,
    /// How many tokens a request and its reply may have together.
    pub context_window: Option<u64>,
    /// How many tokens a reply may have.
    pub max_output: Option<u64>,
    /// What it can do; nothing when that is not known.
    pub features: Option<Features>,
    /// Its prices. Of those that hold at a time the last counts.
    pub rows: Vec<PriceRow>,
    /// Where its prices come from.
    pub source: Source,
}

/// Where prices come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The table that is part of this crate.
    Bundled,
    /// A person.
    Override,
}

/// What a model can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are facts, not a state")]
pub struct Features {
    /// It asks for tools.
    pub tools: bool,
    /// It is shown pictures.
    pub vision: bool,
    /// It thinks before it answers.
    pub reasoning: bool,
    /// It answers in a shape that it is given.
    pub formats: bool,
}

/// The prices of a time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PriceRow {
    /// The first moment at which they hold.
    pub from: Option<Timestamp>,
    /// The first moment at which they hold no more.
    pub until: Option<Timestamp>,
    /// The hours of the day at which they hold; all when absent.
    pub hours: Option<Hours>,
    /// The prices of the ordinary tier of service.
    pub card: Card,
    /// What a search of the web costs, each.
    pub search: Option<TokenPrice>,
    /// The prices of other tiers of service, by the provider's name for them.
    pub tiers: BTreeMap<Cow<'static, str>, Card>,
}

/// Hours of the day, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    /// The first minute of the day.
    pub from: u32,
    /// The first minute that is outside; it may come earlier in the day than the first.
    pub until: u32,
    /// Which days.
    pub days: Days,
}

/// Days of the week, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Days {
    /// All.
    All,
    /// Monday to Friday.
    Weekdays,
}

/// The prices of a tier of service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Card {
    /// The prices.
    pub rates: Rates,
    /// Other prices for requests with more input tokens than this, whole; smallest first.
    pub above: Vec<(u64, Rates)>,
}

/// Prices by what the tokens are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rates {
    /// Fresh input.
    pub input: Option<TokenPrice>,
    /// Output.
    pub output: Option<TokenPrice>,
    /// Input read from a cache.
    pub cache_read: Option<TokenPrice>,
    /// Input written to a cache, for five minutes where the provider makes a difference.
    pub cache_write_5m: Option<TokenPrice>,
    /// Input written to a cache for an hour.
    pub cache_write_1h: Option<TokenPrice>,
    /// Audio input.
    pub audio_input: Option<TokenPrice>,
    /// Audio output.
    pub audio_output: Option<TokenPrice>,
    /// Thoughts, where they are not priced as output.
    pub reasoning: Option<TokenPrice>,
}

impl ModelPrices {
    /// Returns the prices that hold at a time.
    pub fn row(&self, at: Timestamp) -> Option<&PriceRow> {
        self.rows.iter().rfind(|row| row.in_force(at) && row.in_hours(at))
    }

    /// Returns all prices that hold at some hour of a day.
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
    /// Whether a time is within them.
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
    /// Returns the prices of a request with so many input tokens.
    pub fn rates(&self, input_tokens: u64) -> Rates {
        let above = self.above.iter().rfind(|(tokens, _)| input_tokens > *tokens);
        above.map_or(self.rates, |(_, rates)| rates.or(&self.rates))
    }
}

impl Rates {
    /// Returns these prices, and others where there are none.
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
    fn hours_are_those_of_the_days_they_are_meant_for() {
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
