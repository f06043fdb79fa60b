//! The charge of one call.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use super::usage::Usage;
use crate::money::Usd;

/// The usage and the cost of one call, from the reply of a model to the ledger.
///
/// In JSON, `estimated` is omitted if it equals the mark of the usage, as in records of versions
/// that did not store it separately.
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
    /// Whether the charge is an estimate: an upper bound because the true cost is unknown, or based
    /// on estimated token counts.
    pub estimated: bool,
}

impl Charge {
    /// Creates the charge of a call whose cost has a single source.
    pub const fn new(usage: Usage, cost: Option<Usd>) -> Self {
        let estimated = usage.estimated;
        Self { usage, cost, computed: None, estimated }
    }

    /// Creates the estimate of a call for which only the highest possible cost is known.
    pub fn upper_bound(cost: Option<Usd>) -> Self {
        Self { cost, estimated: true, ..Self::default() }
    }

    /// Sets the computed cost.
    #[must_use]
    pub const fn with_computed(mut self, computed: Option<Usd>) -> Self {
        self.computed = computed;
        self
    }

    /// Returns a task's cost and tokens after the charge is booked to it. For implementers of
    /// stores. The task's `updated_at` does not change: it is the version by which callers update
    /// the task, and they do not change its cost.
    pub fn added_to(&self, cost: Usd, tokens: u64) -> (Usd, u64) {
        let tokens = tokens.saturating_add(self.usage.total());
        (cost.plus(self.cost.unwrap_or_default()), tokens)
    }
}

impl Serialize for Charge {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Charge", 4)?;
        fields.serialize_field("cost", &self.cost)?;
        if self.computed.is_some() {
            fields.serialize_field("computed", &self.computed)?;
        }
        fields.serialize_field("usage", &self.usage)?;
        if self.estimated != self.usage.estimated {
            fields.serialize_field("estimated", &self.estimated)?;
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
    estimated: Option<bool>,
}

impl From<Recorded> for Charge {
    fn from(recorded: Recorded) -> Self {
        let Recorded { usage, cost, computed, estimated } = recorded;
        let estimated = estimated.unwrap_or(usage.estimated);
        Self { usage, cost, computed, estimated }
    }
}

#[cfg(test)]
mod tests {
    use super::Charge;
    use crate::cost::Usage;
    use crate::money::Usd;

    #[test]
    fn a_charge_adds_its_cost_and_tokens_and_saturates() {
        let nanos = Usd::from_nanos;
        for (cost, before, expected) in [
            (Some(nanos(7)), (nanos(1), 2), (nanos(8), 17)),
            (None, (nanos(1), 2), (nanos(1), 17)),
            (Some(nanos(7)), (Usd::MAX, u64::MAX), (Usd::MAX, u64::MAX)),
        ] {
            let charge = Charge::new(Usage::tokens(10, 5), cost);
            assert_eq!(charge.added_to(before.0, before.1), expected);
        }
    }
}
