//! The charge of one call.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use super::usage::Usage;
use crate::money::Usd;

/// The usage and the cost of one call, from the reply of a model to the ledger.
///
/// In JSON, `estimated` is omitted if it equals the mark of the usage, `uncertain` if it is `false`, and
/// `saved` if it is `None`, as in records of versions that did not store them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Recorded")]
pub struct Charge {
    /// The usage.
    pub usage: Usage,
    /// The cost: as the provider reports it, else as computed. `None` if the price is unknown,
    /// which is not the same as free.
    pub cost: Option<Usd>,
    /// The computed cost, beside the one that the provider reports.
    pub computed: Option<Usd>,
    /// What the provider's cache saved, by the same prices as the computed cost: the cost without a
    /// cache, minus the cost. Negative if writing to the cache cost more than reading from it saved.
    /// `None` if it is unknown, or no input was cached: see [`saving`](Self::saving).
    pub saved: Option<Usd>,
    /// Whether the charge is an estimate: an upper bound because the true cost is unknown, or based
    /// on estimated token counts.
    pub estimated: bool,
    /// Whether the call may have cost nothing: it failed or was lost, and neither the provider's
    /// response nor its documentation says whether it is billed. `cost` is then the most that it can
    /// have cost, and counts as spent until the call is settled with a cost, or
    /// [reconciled](super::Reconciliation).
    pub uncertain: bool,
}

impl Charge {
    /// Creates the charge of a call whose cost has a single source.
    pub const fn new(usage: Usage, cost: Option<Usd>) -> Self {
        let estimated = usage.estimated;
        Self { usage, cost, computed: None, saved: None, estimated, uncertain: false }
    }

    /// Creates the uncertain charge of a call for which only the highest possible cost is known. It is
    /// certain if that is zero.
    pub fn upper_bound(cost: Option<Usd>) -> Self {
        let uncertain = cost != Some(Usd::ZERO);
        Self { cost, estimated: true, uncertain, ..Self::default() }
    }

    /// Sets the computed cost.
    #[must_use]
    pub const fn with_computed(mut self, computed: Option<Usd>) -> Self {
        self.computed = computed;
        self
    }

    /// Sets what the cache saved.
    #[must_use]
    pub const fn with_saved(mut self, saved: Option<Usd>) -> Self {
        self.saved = saved;
        self
    }

    /// Returns what the cache saved: zero if no input was cached, `None` if it is unknown.
    pub fn saving(&self) -> Option<Usd> {
        self.saved.or_else(|| (self.usage.cached_input() == 0).then_some(Usd::ZERO))
    }

    /// Returns a task's cost and tokens after the charge is booked to it in place of `before`, which
    /// is the default for a call that was not booked. For implementers of stores. The task's
    /// `updated_at` does not change: it is the version by which callers update the task, and they do
    /// not change its cost.
    pub fn booked_to(&self, (cost, tokens): (Usd, u64), before: &Self) -> (Usd, u64) {
        let cost = cost.minus(before.cost.unwrap_or_default()).max(Usd::ZERO);
        let tokens = tokens.saturating_sub(before.usage.total());
        let tokens = tokens.saturating_add(self.usage.total());
        (cost.plus(self.cost.unwrap_or_default()), tokens)
    }
}

impl Serialize for Charge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Charge", 6)?;
        fields.serialize_field("cost", &self.cost)?;
        if self.computed.is_some() {
            fields.serialize_field("computed", &self.computed)?;
        }
        if self.saved.is_some() {
            fields.serialize_field("saved", &self.saved)?;
        }
        fields.serialize_field("usage", &self.usage)?;
        if self.estimated != self.usage.estimated {
            fields.serialize_field("estimated", &self.estimated)?;
        }
        if self.uncertain {
            fields.serialize_field("uncertain", &self.uncertain)?;
        }
        fields.end()
    }
}

/// A charge as it is stored.
#[derive(Deserialize)]
struct Recorded {
    usage: Usage,
    cost: Option<Usd>,
    #[serde(default)]
    computed: Option<Usd>,
    #[serde(default)]
    saved: Option<Usd>,
    #[serde(default)]
    estimated: Option<bool>,
    #[serde(default)]
    uncertain: bool,
}

impl From<Recorded> for Charge {
    fn from(recorded: Recorded) -> Self {
        let Recorded { usage, cost, computed, saved, estimated, uncertain } = recorded;
        let estimated = estimated.unwrap_or(usage.estimated);
        Self { usage, cost, computed, saved, estimated, uncertain }
    }
}

#[cfg(test)]
mod tests {
    use super::Charge;
    use crate::cost::Usage;
    use crate::money::Usd;

    #[test]
    fn the_charge_of_a_lost_call_is_read_as_it_is_written() {
        for (cost, uncertain) in [(Some(7), true), (None, true), (Some(0), false)] {
            let charge = Charge::upper_bound(cost.map(Usd::from_nanos));
            assert_eq!((charge.estimated, charge.uncertain), (true, uncertain));
            let json = serde_json::to_string(&charge).unwrap();
            assert_eq!(serde_json::from_str::<Charge>(&json).unwrap(), charge, "{json}");
        }
    }

    #[test]
    fn the_saving_of_a_charge_is_zero_without_a_cache_and_unknown_in_older_records() {
        let cached = Usage { cache_write_5m: 1, ..Usage::tokens(1, 2) };
        let saved = Some(Usd::from_nanos(-3));
        for (usage, saved, saving) in [
            (Usage::tokens(1, 2), None, Some(Usd::ZERO)),
            (cached.clone(), None, None),
            (cached, saved, saved),
        ] {
            let charge = Charge::new(usage, None).with_saved(saved);
            assert_eq!(charge.saving(), saving);
            let json = serde_json::to_string(&charge).unwrap();
            assert_eq!(json.contains("saved"), saved.is_some(), "{json}");
            assert_eq!(serde_json::from_str::<Charge>(&json).unwrap(), charge);
        }
    }

    #[test]
    fn a_charge_adds_its_cost_and_tokens_in_place_of_another_and_saturates() {
        let nanos = Usd::from_nanos;
        let (none, lost) = (Charge::default(), Charge::upper_bound(Some(nanos(5))));
        let paid = Charge::new(Usage::tokens(1, 2), Some(nanos(4)));
        for (cost, before, task, expected) in [
            (Some(nanos(7)), &none, (nanos(1), 2), (nanos(8), 17)),
            (None, &none, (nanos(1), 2), (nanos(1), 17)),
            (Some(nanos(7)), &none, (Usd::MAX, u64::MAX), (Usd::MAX, u64::MAX)),
            (Some(nanos(7)), &lost, (nanos(6), 2), (nanos(8), 17)),
            (Some(nanos(7)), &paid, (nanos(6), 8), (nanos(9), 20)),
            (None, &lost, (nanos(4), 0), (nanos(0), 15)),
        ] {
            let charge = Charge::new(Usage::tokens(10, 5), cost);
            assert_eq!(charge.booked_to(task, before), expected);
        }
    }
}
