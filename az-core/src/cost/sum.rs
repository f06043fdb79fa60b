//! The ledger summed up.

use serde::{Deserialize, Serialize};

use super::entry::CostEntry;
use super::period::Calendar;
use crate::money::Usd;

/// By what the entries of a ledger are summed up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grouping {
    /// By nothing: one sum of everything, with the key `all`.
    All,
    /// By the model, as it was booked.
    Model,
    /// By who was paid.
    Provider,
    /// By the task.
    Task,
    /// By the days of a calendar, with keys such as `2026-11-23`.
    Day(Calendar),
}

impl Grouping {
    /// Returns the key of the group that an entry belongs to.
    pub fn key(&self, entry: &CostEntry) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Model => entry.model.clone(),
            Self::Provider => entry.provider.clone(),
            Self::Task => entry.task.to_string(),
            Self::Day(calendar) => calendar.date(entry.at).to_string(),
        }
    }

    /// Puts sums in the order in which they are given: the highest cost first, equal ones in the
    /// order of their keys, and days one after the other.
    pub fn sort(&self, sums: &mut [CostSum]) {
        sums.sort_by(|a, b| match self {
            Self::Day(_) => a.key.cmp(&b.key),
            Self::All | Self::Model | Self::Provider | Self::Task => {
                b.cost.cmp(&a.cost).then_with(|| a.key.cmp(&b.key))
            }
        });
    }
}

/// What a group of entries comes to.
///
/// What is larger than its type can hold is held at the largest.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CostSum {
    /// What names the group: see [`Grouping`].
    pub key: String,
    /// How many entries there are.
    pub calls: u64,
    /// Tokens that went in, cached or not.
    pub input_tokens: u64,
    /// Tokens that came out.
    pub output_tokens: u64,
    /// What the entries cost whose cost is known.
    pub cost: Usd,
    /// Entries whose cost nobody knows: they are not in `cost`.
    pub unpriced: u64,
    /// Entries that rest on a guess.
    pub estimated: u64,
}

impl CostSum {
    /// Returns the sum of no entries.
    pub fn new(key: &str) -> Self {
        Self { key: key.to_owned(), ..Self::default() }
    }

    /// Adds an entry.
    pub fn add(&mut self, entry: &CostEntry) {
        let (input, output) = (entry.usage.total_input(), entry.usage.total_output());
        self.calls = self.calls.saturating_add(1);
        self.input_tokens = self.input_tokens.saturating_add(input);
        self.output_tokens = self.output_tokens.saturating_add(output);
        self.cost = self.cost.plus(entry.cost.unwrap_or_default());
        self.unpriced = self.unpriced.saturating_add(u64::from(entry.cost.is_none()));
        self.estimated = self.estimated.saturating_add(u64::from(entry.estimated));
    }
}
