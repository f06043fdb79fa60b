//! The ledger: entries, holds and budgets of payers; it does not know tasks.

use std::collections::{BTreeMap, BTreeSet};

use crate::clock::Timestamp;
use crate::cost::{
    Alert, Budget, BudgetStatus, Calendar, CostEntry, CostSum, Grouping, Hold, Payer, Period,
    Renewal, Scope, Settlement, TimeRange,
};
use crate::error::{Error, Result};
use crate::id::{CallId, TaskId};
use crate::money::Usd;

/// What names an entry and a hold.
type Key = (Payer, CallId);

/// What was spent, what is held, and what may be.
///
/// What a budget has spent is summed up from its entries every time: slower than a counter, and
/// never wrong. Parents outlive their payers, as costs do.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    calendar: Calendar,
    entries: Vec<CostEntry>,
    booked: BTreeSet<Key>,
    holds: BTreeMap<Key, Hold>,
    parents: BTreeMap<Payer, Payer>,
    budgets: BTreeMap<(Scope, Period), Budget>,
    /// Marks that were reported, with the beginning of the period that they were crossed in.
    reported: BTreeSet<(Scope, Period, Timestamp, u8)>,
}

/// What a settlement moved.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) booked: Option<CostEntry>,
    pub(super) alerts: Vec<Alert>,
}

/// The state of the ledger at a moment, to go back to.
#[derive(Debug)]
pub(super) struct Savepoint {
    entries: usize,
    holds: BTreeMap<Key, Hold>,
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
            self.booked.remove(&(dropped.payer, dropped.call));
        }
        self.holds = savepoint.holds;
        self.reported = savepoint.reported;
    }

    /// Registers the parent of a payer, or removes it.
    pub(super) fn set_parent(&mut self, payer: &Payer, parent: Option<&Payer>) -> Result<()> {
        let Some(parent) = parent else {
            self.parents.remove(payer);
            return Ok(());
        };
        if self.descends(parent, payer) {
            let reason = format!("{parent} is {payer} or descends from it");
            return Err(Error::invalid("parent", reason));
        }
        self.parents.insert(payer.clone(), parent.clone());
        Ok(())
    }

    /// Notes the task that a task is part of, in place of what it was part of before. Unlike a
    /// registered parent it is not checked: the tasks may be created in any order.
    pub(super) fn set_part(
        &mut self,
        task: &TaskId,
        before: Option<&TaskId>,
        whole: Option<&TaskId>,
    ) {
        match whole {
            Some(whole) => drop(self.parents.insert(task.into(), whole.into())),
            None if before.is_some() => drop(self.parents.remove(&task.into())),
            None => {}
        }
    }

    /// Returns a payer and its ancestors, nearest first.
    pub(super) fn line<'a>(&'a self, payer: &'a Payer) -> impl Iterator<Item = &'a Payer> {
        let line = std::iter::successors(Some(payer), |payer| self.parents.get(payer));
        // Tasks that are parts of each other have no top.
        let mut seen = BTreeSet::new();
        line.take_while(move |payer| seen.insert(*payer))
    }

    /// Whether a payer is another one or descends from it.
    fn descends(&self, payer: &Payer, from: &Payer) -> bool {
        self.line(payer).any(|payer| payer == from)
    }

    /// Whether a budget of `scope` covers what a payer spends on a model.
    fn covers(&self, scope: &Scope, model: &str, payer: &Payer) -> bool {
        match scope {
            Scope::Global => true,
            Scope::Payer(top) => self.descends(payer, top),
            Scope::Model(name) => name == model,
        }
    }

    /// Books an entry; returns whether it was new.
    pub(super) fn book(&mut self, entry: CostEntry) -> Result<bool> {
        if entry.charge.cost.is_some_and(Usd::is_negative) {
            return Err(Error::invalid("cost", "must not be negative"));
        }
        let new = self.booked.insert((entry.payer.clone(), entry.call.clone()));
        if new {
            self.entries.push(entry);
        }
        Ok(new)
    }

    /// Returns the entries of a span, oldest first, and of one time as they were booked.
    pub(super) fn entries(&self, span: TimeRange) -> Vec<&CostEntry> {
        let mut found: Vec<_> =
            self.entries.iter().filter(|entry| span.contains(entry.at)).collect();
        found.sort_by_key(|entry| entry.at);
        found
    }

    /// Sums up the entries of a span.
    pub(super) fn sums(&self, span: TimeRange, by: &Grouping) -> Vec<CostSum> {
        by.sums(self.entries(span))
    }

    /// Returns what is booked to a payer.
    pub(super) fn cost_of(&self, payer: &Payer) -> Usd {
        let own = self.entries.iter().filter(|entry| entry.payer == *payer);
        own.filter_map(|entry| entry.charge.cost).sum()
    }

    /// Sets a budget. Alerts that a higher amount puts ahead of it again may be reported again.
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
        let counts = |at: Timestamp, model: &str, payer: &Payer| {
            span.contains(at) && self.covers(&budget.scope, model, payer)
        };
        let entries = self.entries.iter().filter(|e| counts(e.at, &e.model, &e.payer));
        let holds = self.holds.values().filter(|h| counts(h.at, &h.model, &h.payer));
        BudgetStatus {
            budget: budget.clone(),
            span,
            spent: entries.filter_map(|entry| entry.charge.cost).sum(),
            held: holds.filter_map(|hold| hold.amount).sum(),
        }
    }

    /// Returns where the budgets stand that apply to a hold.
    fn applying(&self, hold: &Hold) -> Vec<BudgetStatus> {
        let applies = |budget: &&Budget| self.covers(&budget.scope, &hold.model, &hold.payer);
        let budgets = self.budgets.values().filter(applies);
        budgets.map(|budget| self.status(budget, hold.at)).collect()
    }

    /// Takes a hold in every budget that applies, or in none.
    pub(super) fn hold(&mut self, hold: &Hold) -> Result<Vec<Alert>> {
        let key = (hold.payer.clone(), hold.call.clone());
        if self.holds.get(&key) == Some(hold) {
            return Ok(Vec::new());
        }
        if self.holds.contains_key(&key) || self.booked.contains(&key) {
            let id = format!("{}/{}", hold.payer, hold.call);
            return Err(Error::AlreadyExists { what: "hold", id });
        }
        if hold.amount.is_some_and(Usd::is_negative) {
            return Err(Error::invalid("amount", "must not be negative"));
        }
        for status in self.applying(hold) {
            status.check(hold)?;
        }
        self.holds.insert(key, hold.clone());
        Ok(self.alerts(hold))
    }

    /// Lets an open hold run out no earlier than `until`.
    pub(super) fn renew(&mut self, key: &Key, until: Timestamp) -> Renewal {
        let Some(hold) = self.holds.get_mut(key) else {
            return Renewal::NotOpen;
        };
        hold.until = hold.until.max(until);
        Renewal::Renewed
    }

    /// Settles a hold, if it is open.
    pub(super) fn settle(
        &mut self,
        payer: &Payer,
        call: &CallId,
        settlement: &Settlement,
    ) -> Result<Settled> {
        let key = (payer.clone(), call.clone());
        let Some(hold) = self.holds.get(&key).cloned() else {
            return Ok(Settled::default());
        };
        let booked = self.close(&key, settlement)?;
        let alerts = self.alerts(&hold);
        Ok(Settled { booked, alerts })
    }

    /// Books a hold, if it is open, and frees what it held. Alerts are left to the next operation
    /// that can report them.
    pub(super) fn close(
        &mut self,
        key: &Key,
        settlement: &Settlement,
    ) -> Result<Option<CostEntry>> {
        let Some(hold) = self.holds.get(key) else {
            return Ok(None);
        };
        let mut booked = None;
        if let Some(entry) = hold.book(settlement) {
            let new = self.book(entry.clone())?;
            booked = new.then_some(entry);
        }
        self.holds.remove(key);
        Ok(booked)
    }

    /// Returns the names of the holds that ran out by `now`.
    pub(super) fn run_out(&self, now: Timestamp) -> Vec<Key> {
        let out = self.holds.iter().filter(|(_, hold)| hold.until <= now);
        out.map(|(key, _)| key.clone()).collect()
    }

    /// Returns the names of the holds of a payer.
    pub(super) fn held_for(&self, payer: &Payer) -> Vec<Key> {
        self.holds.keys().filter(|(of, _)| of == payer).cloned().collect()
    }

    pub(super) fn open_holds(&self) -> Vec<Hold> {
        self.holds.values().cloned().collect()
    }

    /// Reports the alerts that are crossed and were not reported in their period.
    fn alerts(&mut self, hold: &Hold) -> Vec<Alert> {
        let mut alerts = Vec::new();
        for status in self.applying(hold) {
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
