//! Budgets in SQLite.

use async_trait::async_trait;
use az_core::clock::Timestamp;
use az_core::cost::{
    Alert, Budget, BudgetKeeper, BudgetStatus, Hold, Limit, Payer, Period, Renewal, Scope,
    Settlement,
};
use az_core::error::Error;
use az_core::id::CallId;
use az_core::money::Usd;
use rusqlite::Connection;

use super::bucket::{Bucket, statuses};
use super::row::{first, run};
use super::store::SqliteStore;
use super::{hold, json, payer};
use crate::error::Result;

#[async_trait]
impl BudgetKeeper for SqliteStore {
    async fn set_budget(&self, budget: &Budget, now: Timestamp) -> Result<(), Error> {
        budget.check()?;
        let span = self.calendar().span(budget.period, now);
        let bucket = Bucket { budget: budget.clone(), span };
        self.write(move |conn| set(conn, &bucket)).await
    }

    async fn clear_budget(&self, scope: &Scope, period: Period) -> Result<bool, Error> {
        let scope = scope.key();
        self.write(move |conn| clear(conn, &scope, period)).await
    }

    async fn budgets(&self, now: Timestamp) -> Result<Vec<BudgetStatus>, Error> {
        let calendar = self.calendar();
        self.scan(move |conn| {
            // In one transaction, so that the budgets are consistent with each other.
            let look = conn.transaction()?;
            statuses(&look, &calendar, now)
        })
        .await
    }

    async fn set_parent(&self, payer: &Payer, parent: Option<&Payer>) -> Result<(), Error> {
        let (child, parent) = (payer.clone(), parent.cloned());
        self.write(move |conn| payer::set_parent(conn, &child, parent.as_ref())).await
    }

    async fn ancestors(&self, payer: &Payer) -> Result<Vec<Payer>, Error> {
        let payer = payer.clone();
        self.point(move |conn| payer::ancestors(conn, &payer)).await
    }

    async fn hold(&self, hold: &Hold) -> Result<Vec<Alert>, Error> {
        let (calendar, hold) = (self.calendar(), hold.clone());
        self.write(move |conn| hold::take(conn, &calendar, &hold)).await
    }

    async fn renew(
        &self,
        calls: &[(Payer, CallId)],
        until: Timestamp,
    ) -> Result<Vec<Renewal>, Error> {
        let calls = calls.to_vec();
        self.write(move |conn| {
            calls.iter().map(|(payer, call)| hold::renew(conn, payer, call, until)).collect()
        })
        .await
    }

    async fn settle(
        &self,
        payer: &Payer,
        call: &CallId,
        settlement: &Settlement,
    ) -> Result<Vec<Alert>, Error> {
        let (calendar, settlement) = (self.calendar(), settlement.clone());
        let (payer, call) = (payer.clone(), call.clone());
        self.write(move |conn| hold::settle(conn, &calendar, (&payer, &call), &settlement)).await
    }

    async fn sweep(&self, lease_now: Timestamp) -> Result<usize, Error> {
        let calendar = self.calendar();
        self.write(move |conn| hold::sweep(conn, &calendar, lease_now)).await
    }

    async fn open_holds(&self) -> Result<Vec<Hold>, Error> {
        self.scan(|conn| hold::open(conn)).await
    }
}

/// Sets a budget. Alerts that a higher amount puts out of reach become reportable again.
fn set(conn: &Connection, bucket: &Bucket) -> Result<()> {
    let budget = &bucket.budget;
    let sql = "INSERT INTO budget (namespace, scope, period, amount, alerts, hard) \
        VALUES (az_namespace(), ?1, ?2, ?3, ?4, ?5) \
        ON CONFLICT (namespace, scope, period) DO UPDATE SET amount = excluded.amount, \
            alerts = excluded.alerts, hard = excluded.hard";
    let (scope, period) = (budget.scope.key(), budget.period.as_str());
    let before = "SELECT amount FROM budget \
        WHERE namespace = az_namespace() AND scope = ?1 AND period = ?2";
    let before = first(conn, before, (&scope, period), |row| row.money())?;
    let alerts = json::write("alerts", &budget.alerts)?;
    let is_hard = budget.limit == Limit::Hard;
    run(conn, sql, (scope, period, budget.amount.nanos(), alerts, is_hard))?;
    if budget.raises(before) {
        bucket.rearm(conn)?;
    }
    Ok(())
}

/// Sets a hard budget without alerts, unless there is one.
pub(super) fn set_if_absent(conn: &Connection, budget: &Budget) -> Result<()> {
    let sql = "INSERT INTO budget (namespace, scope, period, amount, alerts, hard) \
        VALUES (az_namespace(), ?1, ?2, ?3, '[]', 1) ON CONFLICT DO NOTHING";
    let (scope, period) = (budget.scope.key(), budget.period.as_str());
    run(conn, sql, (scope, period, budget.amount.nanos()))?;
    Ok(())
}

/// Removes a budget that was set by [`set_if_absent`], unless it was changed since.
pub(super) fn remove_unchanged(conn: &Connection, scope: &str, amount: Usd) -> Result<()> {
    let period = Period::Total;
    let sql = "SELECT 1 FROM budget WHERE namespace = az_namespace() AND scope = ?1 AND period = ?2 \
        AND amount = ?3 AND alerts = '[]' AND hard = 1";
    let params = (scope, period.as_str(), amount.nanos());
    if first(conn, sql, params, |row| row.take::<i64>())?.is_some() {
        clear(conn, scope, period)?;
    }
    Ok(())
}

/// Removes a budget with its buckets and marks: if it is set again, they are computed from the
/// ledger.
fn clear(conn: &Connection, scope: &str, period: Period) -> Result<bool> {
    let remove = |table| {
        let sql = format!(
            "DELETE FROM {table} WHERE namespace = az_namespace() AND scope = ?1 AND period = ?2"
        );
        run(conn, &sql, (scope, period.as_str()))
    };
    remove("hold_bucket")?;
    remove("bucket")?;
    remove("alert")?;
    Ok(remove("budget")? == 1)
}
