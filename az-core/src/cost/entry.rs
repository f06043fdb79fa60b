//! One line of the ledger.

use serde::{Deserialize, Serialize};

use super::charge::Charge;
use super::payer::{self, Payer};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::CallId;
use crate::money::Usd;

/// A ledger entry: the charge of one call and its payer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CostEntry {
    /// The payer.
    #[serde(flatten, with = "payer::field")]
    pub payer: Payer,
    /// The call, which identifies the entry together with the payer.
    pub call: CallId,
    /// The provider that was paid.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The usage and the cost.
    #[serde(flatten)]
    pub charge: Charge,
    /// The time at which the call began, which decides the period that it counts in.
    pub at: Timestamp,
}

impl CostEntry {
    /// Checks that the entry may be booked. For implementers of stores.
    ///
    /// # Errors
    ///
    /// `Invalid` for a negative cost.
    pub fn check(&self) -> Result<()> {
        if self.charge.cost.is_some_and(Usd::is_negative) {
            return Err(Error::invalid("cost", "must not be negative"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::CostEntry;
    use crate::cost::{Charge, Hold, Usage};
    use crate::money::Usd;
    use crate::testing::sample::{entry, hold};

    #[test]
    fn entries_of_older_records_name_a_task() {
        let json = r#"{"task":"t","call":"m0","provider":"p","model":"m",
            "usage":{"input":10,"output":5},"cost":7,"estimated":true,"at":"2026-01-05T00:01:00Z"}"#;
        let charge = Charge {
            estimated: true,
            ..Charge::new(Usage::tokens(10, 5), Some(Usd::from_nanos(7)))
        };
        let expected = CostEntry { charge, ..entry("t", "m0", 0, 1) };
        assert_eq!(serde_json::from_str::<CostEntry>(json).unwrap(), expected);
        let json = r#"{"task":"t","call":"m0","provider":"p","model":"m","amount":7,
            "at":"2026-01-05T00:01:00Z","until":"2026-01-05T01:01:00Z"}"#;
        assert_eq!(serde_json::from_str::<Hold>(json).unwrap(), hold("t", "m0", 7, 1));
    }

    #[test]
    fn entries_and_holds_are_read_as_they_are_written() {
        let expected = entry("t", "m0", 7, 1);
        let json = serde_json::to_string(&expected).unwrap();
        assert!(json.starts_with(r#"{"payer":"task:t","call":"m0""#), "{json}");
        assert_eq!(serde_json::from_str::<CostEntry>(&json).unwrap(), expected);
        let expected = hold("t", "m0", 7, 1);
        let json = serde_json::to_string(&expected).unwrap();
        assert_eq!(serde_json::from_str::<Hold>(&json).unwrap(), expected);
    }
}
