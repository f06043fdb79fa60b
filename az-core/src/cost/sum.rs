//! Sums over the ledger.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::charge::Charge;
use super::entry::CostEntry;
use super::period::Calendar;
use crate::money::Usd;

/// The grouping of ledger entries in a sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grouping {
    /// One group of all entries, with the key `all`.
    All,
    /// By the model, as it was booked.
    Model,
    /// By the provider that was paid.
    Provider,
    /// By the payer, with keys such as `task:ID` and `key:NAME`.
    Payer,
    /// By the task, with its id as the key. The entries of other payers have the empty key.
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
            Self::Payer => entry.payer.to_string(),
            Self::Task => entry.payer.task().map_or_else(String::new, ToString::to_string),
            Self::Day(calendar) => calendar.date(entry.at).to_string(),
        }
    }

    /// Sums up entries, group by group.
    pub fn sums<'a>(&self, entries: impl IntoIterator<Item = &'a CostEntry>) -> Vec<CostSum> {
        let mut groups: BTreeMap<String, CostSum> = BTreeMap::new();
        for entry in entries {
            let group = groups.entry(self.key(entry));
            group.or_insert_with_key(|key| CostSum::new(key)).add(entry);
        }
        let mut sums: Vec<_> = groups.into_values().collect();
        self.sort(&mut sums);
        sums
    }

    /// Sorts sums: the highest cost first, equal ones by key; days in order.
    pub fn sort(&self, sums: &mut [CostSum]) {
        sums.sort_by(|a, b| match self {
            Self::Day(_) => a.key.cmp(&b.key),
            Self::All | Self::Model | Self::Provider | Self::Payer | Self::Task => {
                b.cost.cmp(&a.cost).then_with(|| a.key.cmp(&b.key))
            }
        });
    }
}

/// The sum of a group of entries.
///
/// Figures that are too large for their type saturate.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CostSum {
    /// The key of the group: see [`Grouping`].
    pub key: String,
    /// The number of entries.
    pub calls: u64,
    /// Input tokens, cached or not.
    pub input_tokens: u64,
    /// The input tokens that were read from caches.
    pub cached_tokens: u64,
    /// Output tokens.
    pub output_tokens: u64,
    /// The cost of the entries whose cost is known.
    pub cost: Usd,
    /// The number of entries whose cost is unknown; they are not in `cost`.
    pub unpriced: u64,
    /// The number of entries that are estimates.
    pub estimated: u64,
    /// The part of `cost` that is uncertain: see [`Charge::uncertain`].
    pub uncertain: Usd,
    /// The number of entries that are uncertain.
    pub uncertain_calls: u64,
    /// What caches saved, as far as it is known: see [`Charge::saved`].
    pub saved: Usd,
    /// The number of entries with cached input of which it is unknown what the cache saved; they are
    /// not in `saved`.
    pub unknown_savings: u64,
}

impl CostSum {
    /// Creates an empty sum.
    pub fn new(key: &str) -> Self {
        Self { key: key.to_owned(), ..Self::default() }
    }

    /// Adds an entry.
    pub fn add(&mut self, entry: &CostEntry) {
        let Charge { usage, cost, estimated, uncertain, .. } = &entry.charge;
        let (input, output) = (usage.total_input(), usage.total_output());
        self.calls = self.calls.saturating_add(1);
        self.input_tokens = self.input_tokens.saturating_add(input);
        self.cached_tokens = self.cached_tokens.saturating_add(usage.cache_read);
        self.output_tokens = self.output_tokens.saturating_add(output);
        self.cost = self.cost.plus(cost.unwrap_or_default());
        self.unpriced = self.unpriced.saturating_add(u64::from(cost.is_none()));
        self.estimated = self.estimated.saturating_add(u64::from(*estimated));
        let saving = entry.charge.saving();
        self.saved = self.saved.plus(saving.unwrap_or_default());
        self.unknown_savings = self.unknown_savings.saturating_add(u64::from(saving.is_none()));
        if *uncertain {
            self.uncertain = self.uncertain.plus(cost.unwrap_or_default());
            self.uncertain_calls = self.uncertain_calls.saturating_add(1);
        }
    }
}
