//! Reconciliation: the decision what an uncertain call has cost.

use super::charge::Charge;
use super::entry::CostEntry;
use super::payer::Payer;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::CallId;
use crate::log::{Level, LogRecord};
use crate::money::Usd;

/// A decision on the ledger entry of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reconciliation {
    /// The payer.
    pub payer: Payer,
    /// The call.
    pub call: CallId,
    /// The decision.
    pub decision: Decision,
    /// The wall-clock time of the decision.
    pub at: Timestamp,
}

/// What a call cost whose ledger entry is [uncertain](Charge::uncertain). Stores match on it, so it is
/// exhaustive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The provider billed the call: this amount, or the one that is booked.
    Confirmed(Option<Usd>),
    /// The provider did not bill the call: it costs nothing.
    Released,
}

impl Decision {
    /// Returns an entry as the decision leaves it; `None` if the entry is certain, which no decision
    /// changes. For implementers of stores.
    ///
    /// # Errors
    ///
    /// `Invalid` for a negative amount.
    pub fn apply(self, entry: &CostEntry) -> Result<Option<CostEntry>> {
        let charge = match self {
            Self::Confirmed(Some(amount)) if amount.is_negative() => {
                return Err(Error::invalid("amount", "must not be negative"));
            }
            Self::Confirmed(None) => Charge { uncertain: false, ..entry.charge.clone() },
            Self::Confirmed(Some(amount)) => Self::known(&entry.charge, amount),
            Self::Released => {
                // What was not billed was not saved either.
                let saved = (entry.charge.usage.cached_input() > 0).then_some(Usd::ZERO);
                Self::known(&entry.charge, Usd::ZERO).with_saved(saved)
            }
        };
        Ok(entry.charge.uncertain.then(|| CostEntry { charge, ..entry.clone() }))
    }

    /// Returns the charge with a cost that is known.
    fn known(charge: &Charge, cost: Usd) -> Charge {
        let estimated = charge.usage.estimated;
        Charge { cost: Some(cost), uncertain: false, estimated, ..charge.clone() }
    }
}

impl Reconciliation {
    /// Creates a decision on the entry of a payer's call.
    pub const fn new(payer: Payer, call: CallId, decision: Decision, at: Timestamp) -> Self {
        Self { payer, call, decision, at }
    }

    /// Returns the log record of the decision on an entry, so that a later reader of the ledger finds
    /// the amount that was booked before. For implementers of stores.
    pub fn log_record(&self, before: &CostEntry) -> LogRecord {
        let CostEntry { payer, call, provider, model, charge, .. } = before;
        let booked = charge.cost.map_or_else(|| "a cost".to_owned(), |cost| cost.to_string());
        let decision = match self.decision {
            Decision::Released => "released".to_owned(),
            Decision::Confirmed(None) => "confirmed".to_owned(),
            Decision::Confirmed(Some(amount)) => format!("confirmed as {amount}"),
        };
        LogRecord {
            at: self.at,
            level: Level::Info,
            target: "ledger".to_owned(),
            task: payer.task().cloned(),
            message: format!(
                "{booked} of {payer}/{call} ({model} of {provider}), which was uncertain, is {decision}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Decision::{Confirmed, Released};
    use super::Reconciliation;
    use crate::cost::{Charge, CostEntry};
    use crate::money::Usd;
    use crate::testing::sample::{at, entry};

    fn uncertain() -> CostEntry {
        let charge = Charge::upper_bound(Some(Usd::from_nanos(270_000_000)));
        CostEntry { charge, ..entry("t", "m0", 0, 1) }
    }

    #[test]
    fn a_decision_is_logged_with_the_amount_before_it() {
        let amount = Some(Usd::from_nanos(10_000_000));
        for (decision, expected) in [
            (Released, "released"),
            (Confirmed(None), "confirmed"),
            (Confirmed(amount), "confirmed as $0.01"),
        ] {
            let CostEntry { payer, call, .. } = uncertain();
            let decided = Reconciliation::new(payer, call, decision, at(2));
            let message = decided.log_record(&uncertain()).message;
            let before = "$0.27 of task:t/m0 (m of p), which was uncertain, is ";
            assert_eq!(message, format!("{before}{expected}"));
        }
    }

    #[test]
    fn a_certain_entry_is_not_changed() {
        let certain = entry("t", "m0", 7, 1);
        for decision in [Released, Confirmed(None), Confirmed(Some(Usd::ZERO))] {
            assert_eq!(decision.apply(&certain).unwrap(), None);
        }
    }
}
