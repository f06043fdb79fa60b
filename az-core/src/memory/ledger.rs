//! The books: entries, holds and budgets, without knowing of tasks.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Timestamp;
use crate::cost::{
    Alert, Budget, BudgetStatus, Calendar, CostEntry, CostSum, Grouping, Hold, Period, Scope,
    Settlement, Span,
};
use crate::error::{Error, Result};
use crate::id::{CallId, TaskId};
use crate::money::Usd;

/// What names an entry and a hold.
type Key = (TaskId, CallId);

/// What was spent, what is held, and what may be.
///
/// What a budget has spent is the sum of its entries, every time: slower than a counter, and never
/// wrong. Entries and holds keep the lineage of their task, because tasks may be deleted.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    calendar: Calendar,
    entries: Vec<Of<CostEntry>>,
    booked: BTreeSet<Key>,
    holds: BTreeMap<Key, Of<Hold>>,
    budgets: BTreeMap<(Scope, Period), Budget>,
    /// Marks that were reported, with the beginning of the period that they were crossed in.
    reported: BTreeSet<(Scope, Period, Timestamp, u8)>,
}

/// Something with the tasks whose budgets it counts in.
#[derive(Debug, Clone)]
struct Of<T> {
    what: T,
    lineage: Vec<TaskId>,
}

/// What a settlement moved.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) booked: Option<CostEntry>,
    pub(super) alerts: Vec<Alert>,
}

/// How the books stood, to go back to.
#[derive(Debug)]
pub(super) struct Savepoint {
    entries: usize,
    holds: BTreeMap<Key, Of<Hold>>,
    reported: BTreeSet<(Scope, Period, Timestamp, u8)>,
}

impl Ledger {
    pub(super) fn new(calendar: Calendar) -> Self {
        Self { calendar, ..Self::default() }
    }

    pub(super) fn count_entries(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn count_holds(&self) -> usize {
        self.holds.len()
    }

    pub(super) fn savepoint(&self) -> Savepoint {
        Savepoint {
            entries: self.entries.len(),
            holds: self.holds.clone(),
            reported: self.reported.clone(),
        }
    }

    pub(super) fn go_back_to(&mut self, savepoint: Savepoint) {
        for dropped in self.entries.drain(savepoint.entries..) {
            let CostEntry { task, call, .. } = dropped.what;
            self.booked.remove(&(task, call));
        }
        self.holds = savepoint.holds;
        self.reported = savepoint.reported;
    }

    /// Books an entry; says whether it was new.
    pub(super) fn book(&mut self, entry: CostEntry, lineage: Vec<TaskId>) -> Result<bool> {
        if entry.cost.is_some_and(Usd::is_negative) {
            return Err(Error::invalid("cost", "what was spent is not negative"));
        }
        let new = self.booked.insert((entry.task.clone(), entry.call.clone()));
        if new {
            let what = entry;
            self.entries.push(Of { what, lineage });
        }
        Ok(new)
    }

    /// Returns the entries of a span, oldest first, and of one time as they were booked.
    pub(super) fn entries(&self, span: Span) -> Vec<&CostEntry> {
        let all = self.entries.iter().map(|booked| &booked.what);
        let mut found: Vec<_> = all.filter(|entry| span.contains(entry.at)).collect();
        found.sort_by_key(|entry| entry.at);
        found
    }

    /// Sums up the entries of a span.
    pub(super) fn sums(&self, span: Span, by: &Grouping) -> Vec<CostSum> {
        let mut groups: BTreeMap<String, CostSum> = BTreeMap::new();
        for entry in self.entries(span) {
            let group = groups.entry(by.key(entry));
            group.or_insert_with_key(|key| CostSum::new(key)).add(entry);
        }
        let mut sums: Vec<_> = groups.into_values().collect();
        by.sort(&mut sums);
        sums
    }

    /// Returns what a task has cost.
    pub(super) fn cost_of(&self, task: &TaskId) -> Usd {
        let all = self.entries.iter().map(|booked| &booked.what);
        let of_task = all.filter(|entry| entry.task == *task);
        of_task.filter_map(|entry| entry.cost).sum()
    }

    /// Sets a budget. What a higher amount puts ahead of it again was not reported yet.
    pub(super) fn set(&mut self, budget: &Budget, now: Timestamp) -> Result<()> {
        budget.check()?;
        let key = (budget.scope.clone(), budget.period);
        let before = self.budgets.insert(key, budget.clone());
        if before.is_some_and(|before| before.amount < budget.amount) {
            let status = self.status(budget, now);
            let this = (&budget.scope, budget.period, status.span.start);
            self.reported.retain(|(scope, period, start, percent)| {
                (scope, *period, *start) != this || status.has_crossed(*percent)
            });
        }
        Ok(())
    }

    pub(super) fn clear(&mut self, scope: &Scope, period: Period) -> bool {
        let cleared = self.budgets.remove(&(scope.clone(), period)).is_some();
        self.reported.retain(|(s, p, ..)| s != scope || *p != period);
        cleared
    }

    pub(super) fn budgets(&self, now: Timestamp) -> Vec<BudgetStatus> {
        let budgets = self.budgets.values();
        budgets.map(|budget| self.status(budget, now)).collect()
    }

    fn status(&self, budget: &Budget, at: Timestamp) -> BudgetStatus {
        let span = self.calendar.span(budget.period, at);
        let entries = self.entries.iter().filter(|booked| {
            span.contains(booked.what.at)
                && covers(&budget.scope, &booked.what.model, &booked.lineage)
        });
        let holds = self.holds.values().filter(|held| {
            span.contains(held.what.at) && covers(&budget.scope, &held.what.model, &held.lineage)
        });
        BudgetStatus {
            budget: budget.clone(),
            span,
            spent: entries.filter_map(|booked| booked.what.cost).sum(),
            held: holds.filter_map(|held| held.what.amount).sum(),
        }
    }

    /// Returns where the budgets stand that apply to a model and a task's lineage.
    fn applying(&self, model: &str, lineage: &[TaskId], at: Timestamp) -> Vec<BudgetStatus> {
        let applies = |budget: &&Budget| covers(&budget.scope, model, lineage);
        let budgets = self.budgets.values().filter(applies);
        budgets.map(|budget| self.status(budget, at)).collect()
    }

    /// Takes a hold in every budget that applies, or in none.
    pub(super) fn hold(&mut self, hold: &Hold, lineage: &[TaskId]) -> Result<Vec<Alert>> {
        let key = (hold.task.clone(), hold.call.clone());
        if self.holds.get(&key).is_some_and(|held| held.what == *hold) {
            return Ok(Vec::new());
        }
        if self.holds.contains_key(&key) || self.booked.contains(&key) {
            let id = format!("{}/{}", hold.task, hold.call);
            return Err(Error::AlreadyExists { what: "hold", id });
        }
        if hold.amount.is_some_and(Usd::is_negative) {
            return Err(Error::invalid("amount", "a hold is not negative"));
        }
        for status in self.applying(&hold.model, lineage, hold.at) {
            status.check(hold)?;
        }
        let held = Of { what: hold.clone(), lineage: lineage.to_vec() };
        self.holds.insert(key, held);
        Ok(self.alerts(&hold.model, lineage, hold.at))
    }

    /// Settles a hold, if it is open.
    pub(super) fn settle(
        &mut self,
        task: &TaskId,
        call: &CallId,
        settlement: &Settlement,
    ) -> Result<Settled> {
        let key = (task.clone(), call.clone());
        let Some(Of { what: hold, lineage }) = self.holds.get(&key).cloned() else {
            return Ok(Settled::default());
        };
        let booked = self.close(&key, settlement)?;
        let alerts = self.alerts(&hold.model, &lineage, hold.at);
        Ok(Settled { booked, alerts })
    }

    /// Books a hold, if it is open, and frees what it held. Alerts are left to whoever can tell
    /// them to somebody.
    pub(super) fn close(
        &mut self,
        key: &Key,
        settlement: &Settlement,
    ) -> Result<Option<CostEntry>> {
        let Some(Of { what: hold, lineage }) = self.holds.get(key).cloned() else {
            return Ok(None);
        };
        let mut booked = None;
        if let Some(entry) = hold.book(settlement) {
            let new = self.book(entry.clone(), lineage)?;
            booked = new.then_some(entry);
        }
        self.holds.remove(key);
        Ok(booked)
    }

    /// Returns the names of the holds that ran out by `now`.
    pub(super) fn run_out(&self, now: Timestamp) -> Vec<Key> {
        let out = self.holds.iter().filter(|(_, held)| held.what.until <= now);
        out.map(|(key, _)| key.clone()).collect()
    }

    /// Returns the names of the holds of a task.
    pub(super) fn held_for(&self, task: &TaskId) -> Vec<Key> {
        self.holds.keys().filter(|(of, _)| of == task).cloned().collect()
    }

    pub(super) fn open_holds(&self) -> Vec<Hold> {
        self.holds.values().map(|held| held.what.clone()).collect()
    }

    /// Reports the marks that are crossed and were not reported in their period.
    fn alerts(&mut self, model: &str, lineage: &[TaskId], at: Timestamp) -> Vec<Alert> {
        let mut alerts = Vec::new();
        for status in self.applying(model, lineage, at) {
            let BudgetStatus { budget, span, .. } = &status;
            for percent in budget.alerts.iter().copied() {
                let mark = (budget.scope.clone(), budget.period, span.start, percent);
                if status.has_crossed(percent) && self.reported.insert(mark) {
                    alerts.push(status.alert(percent));
                }
            }
        }
        alerts
    }
}

/// Whether a budget of `scope` covers what is spent on a model for a task of a lineage.
fn covers(scope: &Scope, model: &str, lineage: &[TaskId]) -> bool {
    match scope {
        Scope::Global => true,
        Scope::Task(task) => lineage.contains(task),
        Scope::Model(name) => name == model,
    }
}
