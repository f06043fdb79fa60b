//! Budgets: limits on spending.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::hold::{Hold, Renewal, Settlement};
use super::payer::Payer;
use super::period::{Period, TimeRange};
use super::scope::Scope;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::CallId;
use crate::lease::LeaseAnchors;
use crate::log::{Level, LogRecord};
use crate::money::Usd;

/// Stores budgets and takes holds on them.
///
/// # Contract
///
/// 1. A hold is taken in every hard budget that applies, or in none: the first that has too little
///    left refuses it with `BudgetExceeded`. Soft budgets count a hold and never refuse it.
/// 2. A hold never takes the spent and held amounts together over a hard budget, whatever the
///    number of concurrent callers and handles. A payment is booked in full, even above its hold.
/// 3. A call whose price is unknown is refused with `Unpriced` where a hard budget applies.
/// 4. Taking the same open hold again changes nothing. A different hold of the same payer and call,
///    or one that was settled, is refused with `AlreadyExists`. A negative amount is always refused
///    with `Invalid`. A hold is settled once: the held amount is freed and the payment is booked,
///    in the period in which the hold was taken. Settling again, or settling an unknown hold,
///    changes nothing, except an uncertain entry (clause 14). A payment whose price is unknown is
///    booked at the held amount, as an estimate. A call of unknown outcome is booked at the held
///    amount, as an uncertain estimate.
/// 5. A hold is never freed without being booked: [`sweep`](Self::sweep) books expired holds in
///    full, except those of a task whose lease is still valid. Holds expire in lease time, as leases
///    do, so that no hold of a running call is booked because the wall clock was set.
/// 6. Each alert of a budget is reported once per period, by the hold or settlement that crosses
///    it, or by the next one after an operation that reports none. A store with a log also logs it.
///    After a budget is raised, the alerts above its current level are reported again when they are
///    crossed.
/// 7. A budget counts the spent and held amounts of its whole period, also from before it was set;
///    setting it again keeps them. A cleared budget refuses nothing.
/// 8. The budget of a payer also covers its descendants: the payers whose parent it is, and theirs.
///    A refusal names the budget that refuses, also when a descendant pays. The parent of a task is
///    the task that it is part of, also after that task was deleted.
/// 9. [`set_parent`](Self::set_parent) registers the parent of a payer that is not a task, or of a
///    task that is not part of another. Budgets then cover the payer as if it had always had this
///    parent. A parent that is the payer or descends from it is refused with `Invalid`, and so is a
///    registered parent for a task that is part of another. [`ancestors`](Self::ancestors) lists
///    the parent and its ancestors, nearest first.
/// 10. A renewed hold does not expire before the time until which it was renewed; renewing never
///     brings that time forward. A hold that is not open is reported as such, changes nothing, and
///     does not prevent the other holds from being renewed.
/// 11. Acknowledged writes survive a restart, if the backend is durable.
/// 12. A budget of which a part cannot be read refuses every call that it covers, with `Damaged`, until
///     it is replaced or cleared. If its scope cannot be read, it covers every call. Such a budget
///     does not prevent settlements, and counts what is booked meanwhile. The amount of a hold of which
///     a part cannot be read stays held.
/// 13. Uncertain amounts count as spent. The status of a budget, and its refusal, state how much of
///     the spent amount is uncertain.
/// 14. Where the entry of a call is uncertain, because its hold was swept or settled in full, settling
///     the call with what became known replaces the charge in the ledger, the task and the budgets: a
///     payment is booked as if the hold were open, and a call that was not made costs nothing. This
///     reports no alerts.
#[async_trait]
pub trait BudgetKeeper: LeaseAnchors {
    /// Sets the budget of a scope and period.
    ///
    /// # Errors
    ///
    /// `Invalid` for an amount that is not positive or an alert not within 1 to 100, or the
    /// backend's own.
    async fn set_budget(&self, budget: &Budget, now: Timestamp) -> Result<()>;

    /// Removes a budget; returns whether there was one.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn clear_budget(&self, scope: &Scope, period: Period) -> Result<bool>;

    /// Lists the budgets and their levels in the periods around `now`.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn budgets(&self, now: Timestamp) -> Result<Vec<BudgetStatus>>;

    /// Registers the parent of a payer, or removes it. The payers need not exist yet.
    ///
    /// # Errors
    ///
    /// `Invalid` for a parent that would make a cycle, or for another parent of a task that is part
    /// of one; or the backend's own.
    async fn set_parent(&self, payer: &Payer, parent: Option<&Payer>) -> Result<()>;

    /// Lists the payers whose budgets also cover this one, nearest first.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn ancestors(&self, payer: &Payer) -> Result<Vec<Payer>>;

    /// Takes a hold; returns the alerts that it crossed.
    ///
    /// # Errors
    ///
    /// `BudgetExceeded`, `Unpriced`, or the backend's own.
    async fn hold(&self, hold: &Hold) -> Result<Vec<Alert>>;

    /// Renews holds whose calls are still running until the lease time `until`; returns one result for
    /// each, in the same order.
    ///
    /// The holds of a task under a lease need no renewal.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn renew(&self, calls: &[(Payer, CallId)], until: Timestamp) -> Result<Vec<Renewal>>;

    /// Settles a hold; returns the alerts that it crossed.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn settle(
        &self,
        payer: &Payer,
        call: &CallId,
        settlement: &Settlement,
    ) -> Result<Vec<Alert>>;

    /// Books every hold that expired by this lease time in full; returns their number.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn sweep(&self, lease_now: Timestamp) -> Result<usize>;

    /// Lists the open holds by [`Hold::key`]: those of tasks first, then those of keys, then those
    /// of other payers by kind; each by id and then by call.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn open_holds(&self) -> Result<Vec<Hold>>;
}

/// The effect of a budget on calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The budget refuses calls that could exceed it.
    Hard,
    /// The budget only counts and reports.
    Soft,
}

impl Limit {
    /// Returns the name used in journals and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hard => "hard",
            Self::Soft => "soft",
        }
    }
}

/// An amount that may be spent in a period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// The scope that it covers.
    #[serde(flatten)]
    pub scope: Scope,
    /// The period after which the count restarts.
    pub period: Period,
    /// The amount that may be spent in one period.
    pub amount: Usd,
    /// The percentages of the amount at which an alert is reported.
    pub alerts: Vec<u8>,
    /// Whether it refuses calls or only counts them.
    pub limit: Limit,
}

impl Budget {
    /// Checks the budget's figures.
    ///
    /// # Errors
    ///
    /// `Invalid` for an amount that is not positive or an alert not within 1 to 100.
    pub fn check(&self) -> Result<()> {
        if self.amount <= Usd::ZERO {
            return Err(Error::invalid(
                "amount",
                "must be greater than 0; use `az cost budget clear` to remove a budget",
            ));
        }
        if let Some(alert) = self.alerts.iter().find(|a| !(1..=100).contains(*a)) {
            return Err(Error::invalid(
                "alert",
                format!("{alert} must be a percentage from 1 to 100"),
            ));
        }
        Ok(())
    }

    /// Returns `true` if setting this budget in place of `before` makes alerts reportable again:
    /// stores then clear the marks of the alerts that it has not reached. For implementers of
    /// stores.
    pub fn raises(&self, before: Option<Usd>) -> bool {
        before.is_some_and(|before| before < self.amount)
    }

    /// Returns the display name, such as `global daily`.
    pub fn name(&self) -> String {
        format!("{} {}", self.scope, self.period)
    }
}

/// The level of a budget in one period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetStatus {
    /// The budget.
    #[serde(flatten)]
    pub budget: Budget,
    /// The period.
    pub span: TimeRange,
    /// The amount that is spent.
    pub spent: Usd,
    /// The amount that is held for running calls.
    pub held: Usd,
    /// The part of the spent amount that is [uncertain](super::Charge::uncertain).
    pub uncertain: Usd,
}

impl BudgetStatus {
    /// Returns the amount that is left, at least zero.
    pub fn left(&self) -> Usd {
        self.budget.amount.minus(self.used()).max(Usd::ZERO)
    }

    /// Returns the amount that is spent or held.
    pub const fn used(&self) -> Usd {
        self.spent.plus(self.held)
    }

    /// Returns `true` if at least `percent` percent of the amount are spent or held, without
    /// rounding.
    pub fn has_crossed(&self, percent: u8) -> bool {
        let (used, amount) = (self.used().nanos(), self.budget.amount.nanos());
        i128::from(used) * 100 >= i128::from(amount) * i128::from(percent)
    }

    /// Returns the alerts of all percentages that are reached. A store reports those that it has
    /// not reported in this period. For implementers of stores.
    pub fn reached(&self) -> impl Iterator<Item = Alert> {
        let percentages = self.budget.alerts.iter().copied();
        let reached = percentages.filter(|percent| self.has_crossed(*percent));
        reached.map(|percent| self.alert(percent))
    }

    /// Returns the alert of one of the budget's percentages.
    fn alert(&self, percent: u8) -> Alert {
        let Budget { amount, .. } = self.budget;
        Alert { budget: self.budget.name(), percent, used: self.used(), amount }
    }

    /// Checks that a hold fits into the amount that is left. A hold of unknown amount does not fit
    /// into a hard budget.
    ///
    /// # Errors
    ///
    /// `BudgetExceeded` or `Unpriced`.
    pub fn check(&self, hold: &Hold) -> Result<()> {
        if self.budget.limit == Limit::Soft {
            return Ok(());
        }
        match hold.amount {
            Some(needed) if needed > self.left() => Err(self.exceeded(needed)),
            Some(_) => Ok(()),
            None => {
                let Budget { scope, period, .. } = &self.budget;
                Err(Error::Unpriced {
                    budget: self.budget.name(),
                    scope: scope.clone(),
                    period: *period,
                    model: hold.model.clone(),
                })
            }
        }
    }

    /// Returns the error for a call that could cost more than is left.
    pub fn exceeded(&self, needed: Usd) -> Error {
        let Budget { scope, period, amount, .. } = &self.budget;
        Error::BudgetExceeded {
            budget: self.budget.name(),
            scope: scope.clone(),
            period: *period,
            amount: *amount,
            left: self.left(),
            held: self.held,
            uncertain: self.uncertain,
            needed,
        }
    }
}

/// An alert percentage that a budget has reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The budget's name.
    pub budget: String,
    /// The percentage that was reached.
    pub percent: u8,
    /// The amount that is spent or held in the period.
    pub used: Usd,
    /// The budget's amount.
    pub amount: Usd,
}

impl Alert {
    /// Returns the log record that a store adds when it reports the alert, because the caller that
    /// receives the alert may have crashed.
    pub fn log_record(&self, hold: &Hold) -> LogRecord {
        LogRecord {
            at: hold.at,
            level: Level::Warn,
            target: "budget".to_owned(),
            task: hold.payer.task().cloned(),
            message: self.to_string(),
        }
    }
}

/// Formats the alert for display.
impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { budget, percent, used, amount } = self;
        write!(f, "budget {budget}: {percent}% of {amount} reached ({used} used or held)")
    }
}
