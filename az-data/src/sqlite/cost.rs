//! The ledger contract in SQLite.

use async_trait::async_trait;
use az_core::cost::{
    Calendar, CostEntry, CostSum, CostTracker, Grouping, Payer, Reconciliation, TimeRange,
};
use az_core::error::Error;
use az_core::money::Usd;

use super::store::SqliteStore;
use super::{bucket, ledger, sums};
use crate::error::Result;

#[async_trait]
impl CostTracker for SqliteStore {
    async fn book(&self, entry: &CostEntry) -> Result<(), Error> {
        let entry = entry.clone();
        self.write(move |conn| {
            if ledger::book(conn, &entry)? {
                bucket::spend(conn, &entry)?;
            }
            Ok(())
        })
        .await
    }

    async fn calendar(&self) -> Result<Calendar, Error> {
        Ok(self.calendar())
    }

    async fn total_in(&self, span: TimeRange) -> Result<Usd, Error> {
        self.scan(move |conn| sums::total(conn, span)).await
    }

    async fn cost_by_payer(&self, payer: &Payer) -> Result<Usd, Error> {
        let sql = format!(
            "SELECT {} FROM entry WHERE namespace = az_namespace() AND payer = ?1",
            ledger::SUM
        );
        let payer = payer.to_string();
        self.point(move |conn| ledger::total(conn, &sql, [&payer])).await
    }

    async fn entries(
        &self,
        span: TimeRange,
        payer: Option<&Payer>,
    ) -> Result<Vec<CostEntry>, Error> {
        let payer = payer.cloned();
        self.scan(move |conn| ledger::entries(conn, span, payer.as_ref())).await
    }

    async fn unpriced_payers(&self, payers: &[Payer]) -> Result<Vec<Payer>, Error> {
        let payers = payers.to_vec();
        self.scan(move |conn| ledger::unpriced_payers(conn, &payers)).await
    }

    async fn uncertain(
        &self,
        span: TimeRange,
        payer: Option<&Payer>,
    ) -> Result<Vec<CostEntry>, Error> {
        let payer = payer.cloned();
        self.scan(move |conn| ledger::uncertain(conn, span, payer.as_ref())).await
    }

    async fn reconcile(&self, reconciliation: &Reconciliation) -> Result<Option<CostEntry>, Error> {
        let (calendar, reconciliation) = (self.calendar(), reconciliation.clone());
        self.write(move |conn| ledger::reconcile(conn, &calendar, &reconciliation)).await
    }

    async fn sums(&self, span: TimeRange, by: &Grouping) -> Result<Vec<CostSum>, Error> {
        let by = by.clone();
        self.scan(move |conn| sums::sums(conn, span, &by)).await
    }
}
