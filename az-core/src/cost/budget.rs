//! What may be spent.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::entry::CostEntry;
use super::period::{Period, Span};
use super::usage::Usage;
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::id::{CallId, TaskId};
use crate::money::Usd;

/// Keeps budgets and the holds on them.
///
/// # Contract
///
/// 1. A hold is taken in every hard budget that applies, or in none: the first that has too little
///    left refuses it with `BudgetExceeded`. Soft budgets count, but never refuse.
/// 2. Holding never takes spent and held together over a hard budget, whatever the number of
///    concurrent holders and handles. What was paid is booked as it is, even above its hold.
/// 3. A call whose price is unknown is refused with `Unpriced` where a hard budget applies.
/// 4. Taking the same open hold again changes nothing; another one of that name, or one that was
///    settled, is refused with `AlreadyExists`, a negative amount with `Invalid`. A hold is settled
///    once: what it held is freed and what was paid is booked, in the period the
///    hold was taken in. Settling again, or settling an unknown hold, changes nothing.
///    A payment whose price is unknown is booked at what was held, as a guess, not at nothing.
/// 5. Nothing is freed by forgetting: [`sweep`](Self::sweep) books holds that ran out in full,
///    except those of a task whose lease still runs.
/// 6. Each alert of a budget is reported once per period, by the hold or settlement that crosses it
///    or comes next after whatever did. What a raised budget has ahead of it again is reported
///    again when it is crossed.
/// 7. A budget counts what its period has spent and holds, also before it was set; set again, it
///    keeps that. A cleared one refuses nothing more.
/// 8. The budget of a task also covers the tasks that are parts of it, and their parts; what it
///    refuses them is refused in its own name.
#[async_trait]
pub trait BudgetKeeper: fmt::Debug + Send + Sync + 'static {
    /// Sets the budget of a scope and period.
    ///
    /// # Errors
    ///
    /// `Invalid` for an amount that is not positive or an alert not within 1 to 100, or the
    /// backend's own.
    async fn set_budget(&self, budget: &Budget, now: Timestamp) -> Result<()>;

    /// Removes a budget; says whether there was one.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn clear_budget(&self, scope: &Scope, period: Period) -> Result<bool>;

    /// Lists the budgets and where they stand in the periods around `now`.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn budgets(&self, now: Timestamp) -> Result<Vec<BudgetStatus>>;

    /// Takes a hold; returns the alerts that it crossed.
    ///
    /// # Errors
    ///
    /// `BudgetExceeded`, `Unpriced`, or the backend's own.
    async fn hold(&self, hold: &Hold) -> Result<Vec<Alert>>;

    /// Settles a hold; returns the alerts that it crossed.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn settle(
        &self,
        task: &TaskId,
        call: &CallId,
        settlement: &Settlement,
    ) -> Result<Vec<Alert>>;

    /// Books every hold that ran out by `now` in full; returns how many.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn sweep(&self, now: Timestamp) -> Result<usize>;

    /// Lists the holds that are open.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn open_holds(&self) -> Result<Vec<Hold>>;
}

/// What a budget covers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "scope", content = "of", rename_all = "snake_case")]
pub enum Scope {
    /// Everything.
    Global,
    /// A task and its parts.
    Task(TaskId),
    /// A model, by the name that is booked.
    Model(String),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("global"),
            Self::Task(id) => write!(f, "task {id}"),
            Self::Model(name) => write!(f, "model {name}"),
        }
    }
}

/// Whether a budget stops or only warns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// A call that could exceed it is refused.
    Hard,
    /// It is only counted and reported.
    Soft,
}

impl Limit {
    /// Returns the name used in records and on the command line.
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
    /// What it covers.
    #[serde(flatten)]
    pub scope: Scope,
    /// How long it lasts until it starts anew.
    pub period: Period,
    /// How much.
    pub amount: Usd,
    /// At which percentages of it to say so.
    pub alerts: Vec<u8>,
    /// Whether it stops or only warns.
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
            return Err(Error::invalid("amount", "a budget is more than 0; clear it to remove it"));
        }
        if let Some(alert) = self.alerts.iter().find(|a| !(1..=100).contains(*a)) {
            return Err(Error::invalid("alert", format!("{alert} is not within 1 to 100 percent")));
        }
        Ok(())
    }

    /// Returns its name for people, such as `global daily`.
    pub fn name(&self) -> String {
        format!("{} {}", self.scope, self.period)
    }
}

/// Where a budget stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BudgetStatus {
    /// The budget.
    #[serde(flatten)]
    pub budget: Budget,
    /// The period around the time asked for.
    pub span: Span,
    /// What is spent in it.
    pub spent: Usd,
    /// What is held in it for calls under way.
    pub held: Usd,
}

impl BudgetStatus {
    /// Returns what is left, not below zero.
    pub fn left(&self) -> Usd {
        self.budget.amount.minus(self.used()).max(Usd::ZERO)
    }

    /// Returns what is spent and held.
    pub const fn used(&self) -> Usd {
        self.spent.plus(self.held)
    }

    /// Whether at least so many percent of the amount are used, without rounding.
    pub fn has_crossed(&self, percent: u8) -> bool {
        let (used, amount) = (self.used().nanos(), self.budget.amount.nanos());
        i128::from(used) * 100 >= i128::from(amount) * i128::from(percent)
    }

    /// Returns the alert of a mark of the budget.
    pub fn alert(&self, percent: u8) -> Alert {
        let Budget { amount, .. } = self.budget;
        Alert { budget: self.budget.name(), percent, used: self.used(), amount }
    }

    /// Checks that a hold fits in. What is unknown fits into no budget that is hard.
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
                let (budget, model) = (self.budget.name(), hold.model.clone());
                Err(Error::Unpriced { budget, model })
            }
        }
    }

    /// Returns the refusal of a call that could cost more than is left.
    pub fn exceeded(&self, needed: Usd) -> Error {
        let Budget { scope, period, amount, .. } = &self.budget;
        Error::BudgetExceeded {
            budget: self.budget.name(),
            scope: scope.clone(),
            period: *period,
            amount: *amount,
            left: self.left(),
            held: self.held,
            needed,
        }
    }
}

/// Money set aside for a call that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The task.
    pub task: TaskId,
    /// The call in it.
    pub call: CallId,
    /// Who will be paid.
    pub provider: String,
    /// For which model.
    pub model: String,
    /// The most that it can cost; `None` when the price is unknown.
    pub amount: Option<Usd>,
    /// When it is taken.
    pub at: Timestamp,
    /// When it may be swept.
    pub until: Timestamp,
}

impl Hold {
    /// Returns what a settlement of the hold books: in the period that it was taken in.
    pub fn book(&self, settlement: &Settlement) -> Option<CostEntry> {
        let (cost, computed, usage, guessed) = match settlement {
            Settlement::Nothing => return None,
            Settlement::Full => (self.amount, None, Usage::default(), true),
            // What cannot be priced after all costs what was held for it: not nothing.
            Settlement::Paid { cost: None, computed, usage } if self.amount.is_some() => {
                (self.amount, *computed, usage.clone(), true)
            }
            Settlement::Paid { cost, computed, usage } => {
                (*cost, *computed, usage.clone(), usage.estimated)
            }
        };
        Some(CostEntry {
            task: self.task.clone(),
            call: self.call.clone(),
            provider: self.provider.clone(),
            model: self.model.clone(),
            usage,
            cost,
            computed,
            estimated: guessed,
            at: self.at,
        })
    }
}

/// What came of a hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "settled", rename_all = "snake_case")]
pub enum Settlement {
    /// The call was made: `cost` is booked. When its price is unknown, that is what was held for it,
    /// as a guess; and when nothing was, it is unknown.
    Paid {
        /// What it cost: what the provider says, else what we compute.
        cost: Option<Usd>,
        /// What we compute, kept beside what the provider says.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        computed: Option<Usd>,
        /// What it used.
        usage: Usage,
    },
    /// Nobody knows what became of the call: the hold is booked in full.
    Full,
    /// The call was certainly not made: nothing is booked.
    Nothing,
}

impl Settlement {
    /// Returns the settlement of a call whose cost only one of us knows.
    pub const fn paid(cost: Option<Usd>, usage: Usage) -> Self {
        Self::Paid { cost, computed: None, usage }
    }
}

/// A budget has crossed one of its marks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alert {
    /// The budget's name.
    pub budget: String,
    /// The mark, in percent.
    pub percent: u8,
    /// What is spent and held in the period.
    pub used: Usd,
    /// The budget's amount.
    pub amount: Usd,
}

/// Writes it for people.
impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { budget, percent, used, amount } = self;
        write!(f, "budget {budget}: {percent}% of {amount} reached ({used} used or held)")
    }
}
