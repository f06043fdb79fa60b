//! Compares the sums that are stored with the rows that they are of.

use az_core::clock::from_micros;
use az_core::cost::Scope;
use az_core::money::Usd;
use rusqlite::Connection;

use super::bucket;
use super::row::all;
use crate::error::Result;

/// A stored bucket: its scope, its period with bounds, and its sums.
struct Stored {
    scope: String,
    period: String,
    bounds: (i64, i64),
    spent: Usd,
    held: Usd,
}

/// Returns a message for each sum of a bucket that is not that of the ledger, or of the open holds.
pub(super) fn differences(conn: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT scope, period, start, stop, spent, held FROM bucket \
        WHERE namespace = az_namespace() ORDER BY scope, period, start";
    let stored = all(conn, sql, [], |row| {
        Ok(Stored {
            scope: row.take()?,
            period: row.take()?,
            bounds: (row.take()?, row.take()?),
            spent: row.money()?,
            held: row.money()?,
        })
    })?;
    let mut found = Vec::new();
    for bucket in stored {
        // A scope that cannot be read is reported as a damaged budget.
        let Ok(scope) = bucket.scope.parse::<Scope>() else { continue };
        let spent = bucket::spent(conn, &scope, bucket.bounds)?;
        let held = bucket::held(conn, &scope, bucket.bounds)?;
        for (what, stored, counted, rows) in [
            ("spent", bucket.spent, spent, "the ledger adds up to"),
            ("held", bucket.held, held, "the open holds add up to"),
        ] {
            // A sum that was too large for the column is not known.
            if stored != counted && stored != Usd::MAX {
                let of = format!("budget {scope} {}{}", bucket.period, since(&bucket));
                found.push(format!(
                    "{of}: {stored} is stored as {what}, but {rows} {counted}; clear the budget and \
                     set it again to compute it anew"
                ));
            }
        }
    }
    Ok(found)
}

/// Returns the beginning of the period in words; a period that contains all of time has none.
fn since(bucket: &Stored) -> String {
    match bucket.period.as_str() {
        "total" => String::new(),
        _ => format!(" since {}", from_micros(bucket.bounds.0)),
    }
}
