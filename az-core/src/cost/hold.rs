//! Money that is reserved for a call, and what becomes of it.

use serde::{Deserialize, Serialize};

use super::charge::Charge;
use super::entry::CostEntry;
use super::payer::{self, Payer};
use super::usage::Usage;
use crate::clock::Timestamp;
use crate::id::CallId;
use crate::money::Usd;

/// An amount that is reserved for a call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The payer.
    #[serde(flatten, with = "payer::field")]
    pub payer: Payer,
    /// The call; with the payer, the name of the hold.
    pub call: CallId,
    /// The provider that will be paid.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The most that the call can cost; `None` when the price is unknown.
    pub amount: Option<Usd>,
    /// When the hold is taken.
    pub at: Timestamp,
    /// When the hold runs out, unless it is renewed.
    pub until: Timestamp,
}

impl Hold {
    /// Returns the entry that a settlement of the hold books, if it books any: in the period that
    /// the hold was taken in.
    pub fn book(&self, settlement: &Settlement) -> Option<CostEntry> {
        let charge = settlement.charge(self.amount)?;
        Some(CostEntry {
            payer: self.payer.clone(),
            call: self.call.clone(),
            provider: self.provider.clone(),
            model: self.model.clone(),
            charge,
            at: self.at,
        })
    }
}

/// What becomes of a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "settled", rename_all = "snake_case")]
pub enum Settlement {
    /// The call was made: its charge is booked. When the cost is unknown, the held amount is booked
    /// as an estimate; and when no amount was held, the cost stays unknown.
    Paid(Charge),
    /// It is unknown what became of the call: the hold is booked in full, as an estimate.
    Full,
    /// The call was certainly not made: nothing is booked.
    Nothing,
}

impl Settlement {
    /// Creates the settlement of a call whose cost is known from one side only.
    pub const fn paid(cost: Option<Usd>, usage: Usage) -> Self {
        Self::Paid(Charge::new(usage, cost))
    }

    /// Returns the charge that is booked, if any is, for a call that this amount was held for.
    pub fn charge(&self, held: Option<Usd>) -> Option<Charge> {
        match self {
            Self::Nothing => None,
            Self::Full => Some(Charge::upper_bound(held)),
            Self::Paid(charge) if charge.cost.is_none() && held.is_some() => {
                Some(Charge { cost: held, estimated: true, ..charge.clone() })
            }
            Self::Paid(charge) => Some(charge.clone()),
        }
    }
}

/// What came of renewing a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Renewal {
    /// The hold is open, and runs out no earlier than asked for.
    Renewed,
    /// There is no such open hold: it was never taken, or was settled or swept meanwhile.
    NotOpen,
}
