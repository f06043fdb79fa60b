//! What one call is charged.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use super::usage::Usage;
use crate::money::Usd;

/// What one call used and cost: one type from the reply of a model to the ledger.
///
/// In JSON, `estimated` is left out where the usage has the same mark, as in records that were
/// written before it was kept apart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "Recorded")]
pub struct Charge {
    /// What was used.
    pub usage: Usage,
    /// What it cost: what the provider says, else what is computed. `None` when the price is
    /// unknown, which is not the same as free.
    pub cost: Option<Usd>,
    /// The computed cost, kept beside what the provider says.
    pub computed: Option<Usd>,
    /// Whether the charge is an estimate: an upper bound because the true cost was never learnt, or
    /// based on tokens that were counted by rule of thumb.
    pub estimated: bool,
}

impl Charge {
    /// Creates the charge of a call whose cost is known from one side only.
    pub const fn new(usage: Usage, cost: Option<Usd>) -> Self {
        let estimated = usage.estimated;
        Self { usage, cost, computed: None, estimated }
    }

    /// Creates the estimate of a call of which only the most that it can cost is known.
    pub fn upper_bound(cost: Option<Usd>) -> Self {
        Self { cost, estimated: true, ..Self::default() }
    }

    /// Sets the computed cost.
    #[must_use]
    pub const fn with_computed(mut self, computed: Option<Usd>) -> Self {
        self.computed = computed;
        self
    }

    /// Returns what a task cost and used after the charge is booked to it, for implementers of
    /// stores. The task's `updated_at` stays: it is the version that callers update the task by, and
    /// they do not change its cost.
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

/// A charge as it is recorded.
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
