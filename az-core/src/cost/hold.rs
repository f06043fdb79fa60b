//! Holds, and their settlement.

use serde::{Deserialize, Serialize};

use super::charge::Charge;
use super::entry::CostEntry;
use super::payer::{self, Payer};
use super::reconcile::Decision;
use super::usage::Usage;
use crate::clock::{Timestamp, to_micros};
use crate::error::{Error, Result};
use crate::id::CallId;
use crate::money::Usd;

/// An amount that is set aside for a call before it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The payer.
    #[serde(flatten, with = "payer::field")]
    pub payer: Payer,
    /// The call, which identifies the hold together with the payer.
    pub call: CallId,
    /// The provider, as calls to it are booked.
    pub provider: String,
    /// The model.
    pub model: String,
    /// The most that the call can cost; `None` when the price is unknown.
    pub amount: Option<Usd>,
    /// The wall-clock time at which the hold is taken.
    pub at: Timestamp,
    /// The lease time at which the hold expires, unless it is renewed.
    pub until: Timestamp,
}

impl Hold {
    /// Returns the entry that a settlement of the hold books, if it books one. The entry counts in
    /// the period in which the hold was taken.
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

/// The rules of holds. For implementers of stores.
impl Hold {
    /// Decides whether a hold is taken. `open` is the open hold of the same payer and call, and
    /// `is_booked` whether an entry of them exists. The budgets that apply are checked afterwards,
    /// by [`BudgetStatus::check`](super::BudgetStatus::check).
    ///
    /// # Errors
    ///
    /// `Invalid` for a negative amount; `AlreadyExists` if the call has a different hold or was
    /// booked before.
    pub fn admit(&self, open: Option<&Self>, is_booked: bool) -> Result<Admission> {
        if self.amount.is_some_and(Usd::is_negative) {
            return Err(Error::invalid("amount", "must not be negative"));
        }
        match open {
            Some(open) if open.is_same(self) => Ok(Admission::AlreadyOpen),
            None if !is_booked => Ok(Admission::Take),
            _ => {
                let id = format!("{}/{}", self.payer, self.call);
                Err(Error::AlreadyExists { what: "hold", id })
            }
        }
    }

    /// Returns when the hold expires after a renewal until `until`, which never shortens it.
    #[must_use]
    pub fn renewed_until(&self, until: Timestamp) -> Timestamp {
        self.until.max(until)
    }

    /// Returns `true` if the hold is to be booked in full at this lease time: it has expired, and so has
    /// the lease of its task, if it has one.
    pub fn is_expired(&self, lease_now: Timestamp, lease_until: Option<Timestamp>) -> bool {
        self.until <= lease_now && lease_until.is_none_or(|until| until <= lease_now)
    }

    /// Returns the payer and the call, which identify the hold and order lists of holds.
    pub const fn key(&self) -> (&Payer, &CallId) {
        (&self.payer, &self.call)
    }

    /// Compares two holds, times to the microsecond, the precision of stores.
    fn is_same(&self, other: &Self) -> bool {
        let stored = |hold: &Self| Self {
            at: to_micros(hold.at),
            until: to_micros(hold.until),
            ..hold.clone()
        };
        stored(self) == stored(other)
    }
}

/// The decision whether a hold is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// The hold is taken in every budget that applies.
    Take,
    /// The same hold is open, and nothing changes.
    AlreadyOpen,
}

/// The way in which a hold ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "settled", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "almost all settlements are `Paid`")]
pub enum Settlement {
    /// The call was made: its charge is booked. If the cost is unknown, the held amount is booked
    /// as an estimate; if no amount was held, the cost remains unknown.
    Paid(Charge),
    /// The outcome of the call is unknown, or it failed and may have cost something: the hold is booked
    /// in full, as an uncertain charge.
    Full,
    /// The call was certainly not made: nothing is booked.
    Nothing,
}

impl Settlement {
    /// Creates the settlement of a call whose cost has a single source.
    pub const fn paid(cost: Option<Usd>, usage: Usage) -> Self {
        Self::Paid(Charge::new(usage, cost))
    }

    /// Returns the uncertain entry of a call whose hold was settled already as this settlement leaves
    /// it; `None` if it changes nothing. For implementers of stores.
    ///
    /// # Errors
    ///
    /// `Invalid` for a negative cost.
    pub fn apply(&self, entry: &CostEntry) -> Result<Option<CostEntry>> {
        let paid = match self {
            Self::Full => return Ok(None),
            Self::Nothing => return Decision::Released.apply(entry),
            Self::Paid(_) if !entry.charge.uncertain => return Ok(None),
            Self::Paid(_) => self.charge(entry.charge.cost),
        };
        let after = paid.map(|charge| CostEntry { charge, ..entry.clone() });
        after.iter().try_for_each(CostEntry::check)?;
        Ok(after)
    }

    /// Returns the charge that is booked for a call with this held amount, if any.
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

/// The result of renewing a hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Renewal {
    /// The hold is open, and expires no earlier than requested.
    Renewed,
    /// There is no such open hold: it was never taken, or was settled or swept.
    NotOpen,
}

#[cfg(test)]
mod tests {
    use super::{Admission, Hold};
    use crate::clock::later;
    use crate::money::Usd;
    use crate::testing::sample::{at, hold};

    #[test]
    fn a_hold_is_taken_once() {
        use Admission::{AlreadyOpen, Take};
        let given = hold("t", "m0", 7, 1);
        let repeated =
            Hold { at: later(given.at, std::time::Duration::from_nanos(1)), ..given.clone() };
        let larger = Hold { amount: Some(Usd::from_nanos(8)), ..given.clone() };
        let negative = Hold { amount: Some(Usd::from_nanos(-1)), ..given.clone() };
        let exists = r#"hold "task:t/m0" exists already"#;
        for (number, (hold, open, is_booked, expected)) in [
            (&given, None, false, Ok(Take)),
            (&given, Some(&given), false, Ok(AlreadyOpen)),
            (&repeated, Some(&given), false, Ok(AlreadyOpen)),
            (&given, Some(&larger), false, Err(exists)),
            (&given, None, true, Err(exists)),
            (&negative, None, false, Err("invalid amount: must not be negative")),
            (&negative, Some(&given), false, Err("invalid amount: must not be negative")),
        ]
        .into_iter()
        .enumerate()
        {
            let found = hold.admit(open, is_booked).map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(ToOwned::to_owned), "case {number}");
        }
    }

    #[test]
    fn a_hold_expires_with_the_lease_of_its_task() {
        let hold = hold("t", "m0", 7, 1);
        for (now, lease_until, expected) in [
            (60, None, false),
            (61, None, true),
            (61, Some(62), false),
            (62, Some(62), true),
            (60, Some(2), false),
        ] {
            assert_eq!(hold.is_expired(at(now), lease_until.map(at)), expected, "{now}");
        }
    }

    #[test]
    fn a_renewal_never_shortens_a_hold() {
        let hold = hold("t", "m0", 7, 1);
        assert_eq!(hold.renewed_until(at(60)), at(61));
        assert_eq!(hold.renewed_until(at(62)), at(62));
    }
}
