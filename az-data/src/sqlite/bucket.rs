//! Buckets: the spent and held amounts of a budget in one of its periods.
//!
//! A bucket is created when its budget is first used in a period, from the ledger and the open
//! holds, so that a new budget counts earlier spending. From then on, every change of the ledger or
//! the holds updates it in the same transaction.

use az_core::clock::Timestamp;
use az_core::cost::{
    Alert, Budget, BudgetStatus, Calendar, CostEntry, Hold, Limit, Payer, Period, Scope, TimeRange,
};
use az_core::money::Usd;
use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::json;
use super::ledger::{SUM, bounds, total};
use super::row::{Columns, all, first, prepare, readable, run};
use crate::error::{Result, SqliteError, unreadable};

/// A budget, in one of its periods.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) budget: Budget,
    pub(super) span: TimeRange,
}

/// What to do about a budget that cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// It is an error: the budget may refuse the call.
    Strict,
    /// It is left out. Nothing is lost: its stored buckets are updated by their scope, and missing ones
    /// are computed from the ledger once the budget can be read.
    Lenient,
}

/// The columns of a budget, in the order in which [`budget`] reads them.
pub(super) const BUDGET: &str = "SELECT scope, period, amount, alerts, hard FROM budget \
    WHERE namespace = az_namespace()";

/// What to do about a budget whose scope cannot be read: it has no name under which it could be cleared.
const UNREADABLE_SCOPE: &str = "it may cover any call, so all are refused until its row is removed from \
    the table `budget` of the database";

/// The scopes that apply to payer `?1` and model `?2`.
pub(super) const SCOPES: &str = "WITH RECURSIVE line (payer) AS ( \
        SELECT ?1 UNION SELECT payer.parent FROM line CROSS JOIN payer \
            ON payer.namespace = az_namespace() AND payer.payer = line.payer), \
    scopes (scope) AS ( \
        SELECT 'global' UNION ALL SELECT 'model:' || ?2 UNION ALL SELECT payer FROM line)";

/// Returns the buckets that count a call of a payer to a model, ordered by scope and period. Creates missing ones.
pub(super) fn applying(
    conn: &Connection,
    calendar: &Calendar,
    (payer, model): (&Payer, &str),
    at: Timestamp,
    reading: Reading,
) -> Result<Vec<Bucket>> {
    let sql = format!("{SCOPES} {BUDGET} AND scope IN scopes");
    let params = (payer.to_string(), model);
    let mut budgets = match reading {
        Reading::Strict => {
            check_scopes(conn)?;
            all(conn, &sql, params, budget)?
        }
        Reading::Lenient => readable(conn, &sql, params, budget)?,
    };
    budgets.sort_by(order);
    let in_period = |budget: Budget| {
        let span = calendar.span(budget.period, at);
        let bucket = Bucket { budget, span };
        bucket.ensure(conn)?;
        Ok(bucket)
    };
    budgets.into_iter().map(in_period).collect()
}

/// Refuses every call while the scope of a budget cannot be read: the budget may cover the call.
fn check_scopes(conn: &Connection) -> Result<()> {
    let sql = "SELECT scope, period FROM budget WHERE namespace = az_namespace()";
    let mut query = prepare(conn, sql)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let scope = row.get_ref(0)?.as_str().map_err(|error| unreadable("scope", error));
        let Err(error) = scope.and_then(read_scope) else { continue };
        let id = format!("{} {}", text(row.get_ref(0)?), text(row.get_ref(1)?));
        return Err(error.of("budget", id).with_advice(UNREADABLE_SCOPE));
    }
    Ok(())
}

fn read_scope(text: &str) -> Result<Scope> {
    text.parse().map_err(|error| unreadable("scope", error))
}

/// Returns a value for a message, also if it is no valid text.
fn text(value: ValueRef<'_>) -> String {
    value.as_bytes().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
}

/// Adds an entry to all stored buckets that count it, also those of another calendar.
pub(super) fn spend(conn: &Connection, entry: &CostEntry) -> Result<()> {
    let Some(cost) = entry.charge.cost else {
        return Ok(());
    };
    let sql = format!(
        "{SCOPES} UPDATE bucket SET spent = spent + min(?4, 9223372036854775807 - spent) \
         WHERE namespace = az_namespace() AND scope IN scopes AND start <= ?3 AND ?3 < stop"
    );
    let at = entry.at.as_microsecond();
    run(conn, &sql, (entry.payer.to_string(), &entry.model, at, cost.nanos()))?;
    Ok(())
}

/// Replaces a booked entry in all stored buckets that count it, and makes the alerts reportable again
/// that they no longer reach.
pub(super) fn respend(
    conn: &Connection,
    calendar: &Calendar,
    before: &CostEntry,
    after: &CostEntry,
) -> Result<()> {
    // A sum that was too large for the column is not known, and stays.
    let sql = format!(
        "{SCOPES} UPDATE bucket SET spent = max(spent - ?4, 0) \
         WHERE namespace = az_namespace() AND scope IN scopes AND start <= ?3 AND ?3 < stop \
            AND spent < 9223372036854775807"
    );
    let (at, cost) = (before.at.as_microsecond(), before.charge.cost.unwrap_or_default());
    run(conn, &sql, (before.payer.to_string(), &before.model, at, cost.nanos()))?;
    spend(conn, after)?;
    let of = (&after.payer, after.model.as_str());
    let buckets = applying(conn, calendar, of, after.at, Reading::Lenient)?;
    buckets.iter().try_for_each(|bucket| bucket.rearm(conn))
}

/// Counts a hold in the buckets, and stores which they are until it is settled.
pub(super) fn hold(conn: &Connection, hold: &Hold) -> Result<()> {
    let (payer, call) = (hold.payer.to_string(), hold.call.as_str());
    let sql = format!(
        "{SCOPES} INSERT INTO hold_bucket (namespace, payer, call_id, scope, period, start) \
         SELECT az_namespace(), ?1, ?4, scope, period, start FROM bucket \
         WHERE namespace = az_namespace() AND scope IN scopes AND start <= ?3 AND ?3 < stop"
    );
    run(conn, &sql, (&payer, &hold.model, hold.at.as_microsecond(), call))?;
    let sql = "UPDATE bucket SET held = held + min(?3, 9223372036854775807 - held) \
        WHERE namespace = az_namespace() AND (scope, period, start) IN ( \
            SELECT scope, period, start FROM hold_bucket \
            WHERE namespace = az_namespace() AND payer = ?1 AND call_id = ?2)";
    run(conn, sql, (payer, call, hold.amount.unwrap_or_default().nanos()))?;
    Ok(())
}

/// Lists all budgets with their status; writes nothing.
pub(super) fn statuses(
    conn: &Connection,
    calendar: &Calendar,
    now: Timestamp,
) -> Result<Vec<BudgetStatus>> {
    let mut budgets = readable(conn, BUDGET, [], budget)?;
    budgets.sort_by(order);
    let status = |budget: Budget| {
        let span = calendar.span(budget.period, now);
        Bucket { budget, span }.status(conn)
    };
    budgets.into_iter().map(status).collect()
}

impl Bucket {
    /// Returns the status of the budget.
    pub(super) fn status(&self, conn: &Connection) -> Result<BudgetStatus> {
        Ok(BudgetStatus { uncertain: self.uncertain(conn)?, ..self.level(conn)? })
    }

    /// Returns the status of the budget without its uncertain amount, which no bucket stores: it is
    /// summed up only where it is shown.
    pub(super) fn level(&self, conn: &Connection) -> Result<BudgetStatus> {
        let uncertain = Usd::ZERO;
        let (spent, held) = match self.stored(conn)? {
            Some(stored) => stored,
            None => (self.spent(conn)?, self.held(conn)?),
        };
        Ok(BudgetStatus { budget: self.budget.clone(), span: self.span, spent, held, uncertain })
    }

    /// Returns the key of the bucket in its table.
    pub(super) fn key(&self) -> (String, &'static str, i64) {
        let Budget { scope, period, .. } = &self.budget;
        (scope.key(), period.as_str(), bounds(self.span).0)
    }

    /// Returns the alerts that are reached and were not reported before.
    pub(super) fn alerts(&self, conn: &Connection) -> Result<Vec<Alert>> {
        let mut alerts = Vec::new();
        if self.budget.alerts.is_empty() {
            return Ok(alerts);
        }
        let status = self.level(conn)?;
        let (scope, period, start) = self.key();
        let sql = "INSERT INTO alert (namespace, scope, period, start, percent) \
            VALUES (az_namespace(), ?1, ?2, ?3, ?4) \
            ON CONFLICT DO NOTHING";
        for alert in status.reached() {
            if run(conn, sql, (&scope, period, start, alert.percent))? == 1 {
                alerts.push(alert);
            }
        }
        Ok(alerts)
    }

    /// Deletes the marks of alerts that are no longer reached.
    pub(super) fn rearm(&self, conn: &Connection) -> Result<()> {
        let status = self.level(conn)?;
        let (scope, period, start) = self.key();
        let sql = "SELECT percent FROM alert \
            WHERE namespace = az_namespace() AND scope = ?1 AND period = ?2 AND start = ?3";
        let reported = all(conn, sql, (&scope, period, start), |row| row.take())?;
        let sql = "DELETE FROM alert WHERE namespace = az_namespace() \
            AND scope = ?1 AND period = ?2 AND start = ?3 AND percent = ?4";
        for percent in reported.into_iter().filter(|percent| !status.has_crossed(*percent)) {
            run(conn, sql, (&scope, period, start, percent))?;
        }
        Ok(())
    }

    fn stored(&self, conn: &Connection) -> Result<Option<(Usd, Usd)>> {
        let sql = "SELECT spent, held FROM bucket \
            WHERE namespace = az_namespace() AND scope = ?1 AND period = ?2 AND start = ?3";
        first(conn, sql, self.key(), |row| Ok((row.money()?, row.money()?)))
    }

    fn ensure(&self, conn: &Connection) -> Result<()> {
        if self.stored(conn)?.is_some() {
            return Ok(());
        }
        let (spent, held) = (self.spent(conn)?, self.held(conn)?);
        let (scope, period, start) = self.key();
        let stop = bounds(self.span).1;
        let sql = "INSERT INTO bucket (namespace, scope, period, start, stop, spent, held) \
            VALUES (az_namespace(), ?1, ?2, ?3, ?4, ?5, ?6)";
        let sums = (spent.nanos(), held.nanos());
        run(conn, sql, (&scope, period, start, stop, sums.0, sums.1))?;
        let (covered, of) = covered(&self.budget.scope);
        let sql = format!(
            "INSERT INTO hold_bucket (namespace, payer, call_id, scope, period, start) \
             SELECT az_namespace(), payer, call_id, ?4, ?5, ?1 FROM hold WHERE {covered}"
        );
        run(conn, &sql, (start, stop, of, &scope, period))?;
        Ok(())
    }

    /// Sums up the ledger.
    fn spent(&self, conn: &Connection) -> Result<Usd> {
        spent(conn, &self.budget.scope, bounds(self.span))
    }

    /// Sums up the uncertain entries.
    fn uncertain(&self, conn: &Connection) -> Result<Usd> {
        let (sql, of) = uncertain_in(&self.budget.scope);
        let (start, stop) = bounds(self.span);
        total(conn, &sql, (start, stop, of))
    }

    /// Sums up the open holds.
    fn held(&self, conn: &Connection) -> Result<Usd> {
        held(conn, &self.budget.scope, bounds(self.span))
    }
}

/// Sums up the entries that a scope covers in a period.
pub(super) fn spent(conn: &Connection, scope: &Scope, (start, stop): (i64, i64)) -> Result<Usd> {
    let (covered, of) = covered(scope);
    let sql = format!("SELECT {SUM} FROM entry WHERE {covered}");
    total(conn, &sql, (start, stop, of))
}

/// Sums up the open holds that a scope covers in a period.
pub(super) fn held(conn: &Connection, scope: &Scope, (start, stop): (i64, i64)) -> Result<Usd> {
    let (covered, of) = covered(scope);
    let sql = format!("SELECT amount FROM hold WHERE {covered}");
    let held = all(conn, &sql, (start, stop, of), |row| row.money_if_known())?;
    Ok(held.into_iter().flatten().sum())
}

/// Returns the condition on the entries and holds that a scope covers from `?1` until `?2`, and the
/// value of `?3` in it.
pub(super) fn covered(scope: &Scope) -> (String, Option<String>) {
    // The signs make SQLite find the rows by payer: there are few of them, while the time range may
    // cover the whole table.
    let at = if matches!(scope, Scope::Payer(_)) { "+at" } else { "at" };
    covered_by_time(at, scope)
}

/// Returns the statement that sums up the uncertain entries that a scope covers from `?1` until `?2`, and
/// the value of `?3` in it. The index has the uncertain entries only, which are few.
pub(super) fn uncertain_in(scope: &Scope) -> (String, Option<String>) {
    let (covered, of) = covered_by_time("at", scope);
    let from = "entry INDEXED BY entry_uncertain";
    (format!("SELECT {SUM} FROM {from} WHERE {covered} AND uncertain = 1"), of)
}

fn covered_by_time(at: &str, scope: &Scope) -> (String, Option<String>) {
    let (covers, of) = match scope {
        Scope::Global => ("?3 IS NULL", None),
        Scope::Model(name) => ("model = ?3", Some(name.clone())),
        // CROSS JOIN makes SQLite find the children of a payer by their parent.
        Scope::Payer(payer) => (
            "payer IN ( \
                WITH RECURSIVE family (payer) AS (SELECT ?3 UNION \
                    SELECT payer.payer FROM family CROSS JOIN payer \
                        ON payer.namespace = az_namespace() AND payer.parent = family.payer) \
                SELECT payer FROM family)",
            Some(payer.to_string()),
        ),
    };
    (format!("namespace = az_namespace() AND {at} >= ?1 AND {at} < ?2 AND {covers}"), of)
}

fn order(a: &Budget, b: &Budget) -> std::cmp::Ordering {
    (&a.scope, a.period).cmp(&(&b.scope, b.period))
}

/// Reads a budget. One that cannot be read refuses the calls that it covers: it may be a hard one.
pub(super) fn budget(row: &mut Columns<'_>) -> Result<Budget> {
    let (scope, period): (String, String) = (row.take()?, row.take()?);
    let found = read_scope(&scope);
    let advice = match &found {
        Ok(_) => "set the budget again or clear it",
        Err(_) => UNREADABLE_SCOPE,
    };
    let read = |row: &mut Columns<'_>| -> Result<Budget> {
        Ok(Budget {
            scope: found?,
            period: period.parse::<Period>().map_err(|error| unreadable("period", error))?,
            amount: row.money()?,
            alerts: row.parsed(|text| json::read("alerts", text))?,
            limit: if row.take()? { Limit::Hard } else { Limit::Soft },
        })
    };
    let of_budget = |error: SqliteError| error.of("budget", format_args!("{scope} {period}"));
    read(row).map_err(|error| of_budget(error).with_advice(advice))
}
