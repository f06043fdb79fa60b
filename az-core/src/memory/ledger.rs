//! The ledger: entries, holds and budgets of payers. It does not depend on tasks.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use crate::clock::Timestamp;
use crate::cost::{
    Admission, Alert, Budget, BudgetStatus, Calendar, Charge, CostEntry, CostSum, Grouping, Hold,
    Payer, Period, Reconciliation, Renewal, Scope, Settlement, TimeRange, parents,
};
use crate::error::Result;
use crate::id::CallId;
use crate::log::LogRecord;
use crate::money::Usd;
use crate::task::BudgetChange;

/// The key of an entry and of a hold.
type Key = (Payer, CallId);

/// Entries, holds, budgets and parents.
///
/// The spent amount of a budget is summed up from its entries each time: slower than a counter, and
/// always consistent. Parents outlive their payers, as costs do.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    calendar: Calendar,
    entries: Vec<CostEntry>,
    booked: BTreeSet<Key>,
    holds: BTreeMap<Key, Hold>,
    parents: BTreeMap<Payer, Payer>,
    budgets: BTreeMap<(Scope, Period), Budget>,
    /// The alerts that were reported, with the beginning of the period in which they were crossed.
    reported: BTreeSet<(Scope, Period, Timestamp, u8)>,
}

/// The changes that a settlement made.
#[derive(Debug, Default)]
pub(super) struct Settled {
    pub(super) booked: Option<Booked>,
    pub(super) alerts: Vec<Alert>,
    /// The records of the alerts.
    pub(super) logged: Vec<LogRecord>,
}

/// An entry that was booked, and the charge that it replaces: the default if there was none.
#[derive(Debug)]
pub(super) struct Booked {
    pub(super) entry: CostEntry,
    pub(super) before: Charge,
}

/// A saved state of the ledger, for restoring it.
#[derive(Debug)]
pub(super) struct Savepoint {
    entries: usize,
    /// The uncertain entries, which a settlement replaces, with their indexes.
    uncertain: Vec<(usize, CostEntry)>,
    holds: BTreeMap<Key, Hold>,
    reported: BTreeSet<(Scope, Period, Timestamp, u8)>,
}

impl Ledger {
    pub(super) const fn calendar(&self) -> &Calendar {
        &self.calendar
    }

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
        let uncertain = self.entries.iter().enumerate().filter(|(_, entry)| entry.charge.uncertain);
        Savepoint {
            entries: self.entries.len(),
            uncertain: uncertain.map(|(index, entry)| (index, entry.clone())).collect(),
            holds: self.holds.clone(),
            reported: self.reported.clone(),
        }
    }

    pub(super) fn restore(&mut self, savepoint: Savepoint) {
        for dropped in self.entries.drain(savepoint.entries..) {
            self.booked.remove(&(dropped.payer, dropped.call));
        }
        for (index, entry) in savepoint.uncertain {
            if let Some(replaced) = self.entries.get_mut(index) {
                *replaced = entry;
            }
        }
        self.holds = savepoint.holds;
        self.reported = savepoint.reported;
    }

    /// Stores the parent of a payer, or removes it.
    pub(super) fn put_parent(&mut self, payer: Payer, parent: Option<Payer>) {
        match parent {
            Some(parent) => drop(self.parents.insert(payer, parent)),
            None => drop(self.parents.remove(&payer)),
        }
    }

    /// Returns the ancestors of a payer, nearest first.
    pub(super) fn ancestors(&self, payer: &Payer) -> Vec<Payer> {
        let parent_of = |payer: &Payer| Ok::<_, Infallible>(self.parents.get(payer).cloned());
        match parents::ancestors(payer, parent_of) {
            Ok(ancestors) => ancestors,
            Err(never) => match never {},
        }
    }

    /// Returns `true` if a payer is another one or descends from it.
    fn descends(&self, payer: &Payer, from: &Payer) -> bool {
        payer == from || self.ancestors(payer).contains(from)
    }

    /// Returns `true` if a budget of `scope` covers a payer's calls to a model.
    fn covers(&self, scope: &Scope, model: &str, payer: &Payer) -> bool {
        match scope {
            Scope::Global => true,
            Scope::Payer(top) => self.descends(payer, top),
            Scope::Model(name) => name == model,
        }
    }

    /// Books an entry; returns whether it was new.
    pub(super) fn book(&mut self, entry: CostEntry) -> Result<bool> {
        entry.check()?;
        let new = self.booked.insert((entry.payer.clone(), entry.call.clone()));
        if new {
            self.entries.push(entry);
        }
        Ok(new)
    }

    /// Decides what an uncertain entry cost; returns the entry before and after the decision.
    pub(super) fn reconcile(
        &mut self,
        reconciliation: &Reconciliation,
    ) -> Result<Option<(CostEntry, CostEntry)>> {
        let Reconciliation { payer, call, decision, .. } = reconciliation;
        self.replace((payer, call), |entry| decision.apply(entry))
    }

    /// Replaces an entry where `change` returns another; returns the entry before and after it.
    fn replace(
        &mut self,
        key: (&Payer, &CallId),
        change: impl FnOnce(&CostEntry) -> Result<Option<CostEntry>>,
    ) -> Result<Option<(CostEntry, CostEntry)>> {
        let is_it = |entry: &&mut CostEntry| (&entry.payer, &entry.call) == key;
        let Some(entry) = self.entries.iter_mut().find(is_it) else { return Ok(None) };
        let Some(after) = change(entry)? else { return Ok(None) };
        let before = std::mem::replace(entry, after.clone());
        for status in self.applying((&after.payer, &after.model), after.at) {
            self.rearm(&status);
        }
        Ok(Some((before, after)))
    }

    /// Returns the entries of a range, oldest first, and those of one time in the order of booking.
    pub(super) fn entries(&self, span: TimeRange) -> Vec<&CostEntry> {
        let mut found: Vec<_> =
            self.entries.iter().filter(|entry| span.contains(entry.at)).collect();
        found.sort_by_key(|entry| entry.at);
        found
    }

    /// Sums up the entries of a range.
    pub(super) fn sums(&self, span: TimeRange, by: &Grouping) -> Vec<CostSum> {
        by.sums(self.entries(span))
    }

    /// Returns the amount booked to a payer.
    pub(super) fn cost_of(&self, payer: &Payer) -> Usd {
        let own = self.entries.iter().filter(|entry| entry.payer == *payer);
        own.filter_map(|entry| entry.charge.cost).sum()
    }

    /// Sets a budget. Alerts that a higher amount puts out of reach again become reportable again.
    pub(super) fn set(&mut self, budget: &Budget, now: Timestamp) -> Result<()> {
        budget.check()?;
        let key = (budget.scope.clone(), budget.period);
        let before = self.budgets.insert(key, budget.clone());
        if budget.raises(before.map(|before| before.amount)) {
            self.rearm(&self.status(budget, now));
        }
        Ok(())
    }

    /// Makes the alerts reportable again that a budget does not reach.
    fn rearm(&mut self, status: &BudgetStatus) {
        let this = (&status.budget.scope, status.budget.period, status.span.start);
        self.reported.retain(|(scope, period, start, percent)| {
            (scope, *period, *start) != this || status.has_crossed(*percent)
        });
    }

    pub(super) fn clear(&mut self, scope: &Scope, period: Period) -> bool {
        let cleared = self.budgets.remove(&(scope.clone(), period)).is_some();
        self.reported.retain(|(s, p, ..)| s != scope || *p != period);
        cleared
    }

    /// Sets or removes the budget that the parent of a task has set for it.
    pub(super) fn change_own(
        &mut self,
        change: Option<BudgetChange>,
        now: Timestamp,
    ) -> Result<()> {
        let stored = |own: &Budget| self.budgets.get(&(own.scope.clone(), own.period));
        match change {
            Some(BudgetChange::Set(own)) if stored(&own).is_none() => self.set(&own, now),
            Some(BudgetChange::Remove(own)) if stored(&own) == Some(&own) => {
                self.clear(&own.scope, own.period);
                Ok(())
            }
            Some(BudgetChange::Set(_) | BudgetChange::Remove(_)) | None => Ok(()),
        }
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
        let entries = || self.entries.iter().filter(|e| counts(e.at, &e.model, &e.payer));
        let uncertain = entries().filter(|entry| entry.charge.uncertain);
        let holds = self.holds.values().filter(|h| counts(h.at, &h.model, &h.payer));
        BudgetStatus {
            budget: budget.clone(),
            span,
            spent: entries().filter_map(|entry| entry.charge.cost).sum(),
            held: holds.filter_map(|hold| hold.amount).sum(),
            uncertain: uncertain.filter_map(|entry| entry.charge.cost).sum(),
        }
    }

    /// Returns the status of every budget that applies to a call of a payer to a model.
    fn applying(&self, (payer, model): (&Payer, &str), at: Timestamp) -> Vec<BudgetStatus> {
        let applies = |budget: &&Budget| self.covers(&budget.scope, model, payer);
        let budgets = self.budgets.values().filter(applies);
        budgets.map(|budget| self.status(budget, at)).collect()
    }

    /// Takes a hold in every budget that applies, or in none.
    pub(super) fn hold(&mut self, hold: &Hold) -> Result<Vec<Alert>> {
        let key = (hold.payer.clone(), hold.call.clone());
        let admission = hold.admit(self.holds.get(&key), self.booked.contains(&key))?;
        if admission == Admission::AlreadyOpen {
            return Ok(Vec::new());
        }
        for status in self.applying((&hold.payer, &hold.model), hold.at) {
            status.check(hold)?;
        }
        self.holds.insert(key, hold.clone());
        Ok(self.alerts(hold))
    }

    /// Extends an open hold, so that it expires no earlier than `until`.
    pub(super) fn renew(&mut self, key: &Key, until: Timestamp) -> Renewal {
        let Some(hold) = self.holds.get_mut(key) else {
            return Renewal::NotOpen;
        };
        hold.until = hold.renewed_until(until);
        Renewal::Renewed
    }

    /// Settles a hold, if it is open, and else replaces the uncertain entry of the call.
    pub(super) fn settle(&mut self, key: &Key, settlement: &Settlement) -> Result<Settled> {
        let Some(hold) = self.holds.get(key).cloned() else {
            let replaced = self.replace((&key.0, &key.1), |entry| settlement.apply(entry))?;
            let booked = replaced.map(|(before, entry)| Booked { entry, before: before.charge });
            return Ok(Settled { booked, ..Settled::default() });
        };
        let booked = self.close(key, settlement)?;
        let booked = booked.map(|entry| Booked { entry, before: Charge::default() });
        let alerts = self.alerts(&hold);
        let logged = alerts.iter().map(|alert| alert.log_record(&hold)).collect();
        Ok(Settled { booked, alerts, logged })
    }

    /// Books a hold and frees its amount, if it is open. Its alerts are reported by the next
    /// operation that can report any.
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

    /// Returns the keys of the holds that meet a condition.
    pub(super) fn keys(&self, condition: impl Fn(&Hold) -> bool) -> Vec<Key> {
        let found = self.holds.iter().filter(|(_, hold)| condition(hold));
        found.map(|(key, _)| key.clone()).collect()
    }

    pub(super) fn open_holds(&self) -> Vec<Hold> {
        self.holds.values().cloned().collect()
    }

    /// Reports the alerts that are crossed and were not reported in their period.
    fn alerts(&mut self, hold: &Hold) -> Vec<Alert> {
        let mut alerts = Vec::new();
        for status in self.applying((&hold.payer, &hold.model), hold.at) {
            let BudgetStatus { budget, span, .. } = &status;
            for alert in status.reached() {
                let mark = (budget.scope.clone(), budget.period, span.start, alert.percent);
                if self.reported.insert(mark) {
                    alerts.push(alert);
                }
            }
        }
        alerts
    }
}

#[cfg(test)]
mod tests {
    use super::Ledger;
    use crate::cost::{Settlement, TimeRange};
    use crate::testing::sample::{hold, paid};

    #[test]
    fn a_savepoint_restores_an_entry_that_a_settlement_replaced() {
        let mut ledger = Ledger::default();
        let taken = hold("t", "m0", 40, 1);
        let key = (taken.payer.clone(), taken.call.clone());
        ledger.hold(&taken).unwrap();
        ledger.settle(&key, &Settlement::Full).unwrap();
        let entries = |ledger: &Ledger| {
            ledger.entries(TimeRange::ALL).into_iter().cloned().collect::<Vec<_>>()
        };
        let (before, savepoint) = (entries(&ledger), ledger.savepoint());
        ledger.settle(&key, &paid(10)).unwrap();
        assert_ne!(entries(&ledger), before);
        ledger.restore(savepoint);
        assert_eq!(entries(&ledger), before);
    }
}
