//! The anchors of lease time.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::clock::{BootTime, Timestamp};
use az_core::error::Error;
use az_core::lease::{LeaseAnchors, boot_began};
use rusqlite::Connection;

use super::row::{first, micros, run};
use super::store::SqliteStore;
use crate::error::Result;

/// The latest expiry of a lease or a hold; the indices on both are read at their ends only.
const LATEST: &str = "SELECT max(until) FROM ( \
        SELECT max(lease_until) AS until FROM task INDEXED BY task_expiring \
            WHERE namespace = az_namespace() AND status = 'running' \
        UNION ALL SELECT max(until) FROM hold WHERE namespace = az_namespace())";

#[async_trait]
impl LeaseAnchors for SqliteStore {
    async fn lease_anchor(&self, boot: &BootTime, now: Timestamp) -> Result<Timestamp, Error> {
        let boot = boot.clone();
        let name = Arc::clone(&boot.boot);
        // After the first use in a boot, the anchor is only read.
        if let Some(anchor) = self.point(move |conn| find(conn, &name)).await? {
            return Ok(anchor);
        }
        self.write(move |conn| find_or_add(conn, &boot, now)).await
    }
}

fn find(conn: &Connection, boot: &str) -> Result<Option<Timestamp>> {
    let sql = "SELECT began FROM lease_anchor WHERE namespace = az_namespace() AND boot = ?1";
    first(conn, sql, [boot], |row| row.time())
}

fn find_or_add(conn: &Connection, boot: &BootTime, now: Timestamp) -> Result<Timestamp> {
    if let Some(anchor) = find(conn, &boot.boot)? {
        return Ok(anchor);
    }
    let latest = first(conn, LATEST, [], |row| row.time_if_any())?.flatten();
    let anchor = boot_began(boot, now, latest);
    let sql = "INSERT INTO lease_anchor (namespace, boot, began) VALUES (az_namespace(), ?1, ?2)";
    run(conn, sql, (&*boot.boot, micros(anchor)))?;
    Ok(anchor)
}

#[cfg(test)]
mod tests {
    use super::super::plans::plan;
    use super::LATEST;

    #[test]
    fn the_latest_expiry_is_read_from_the_ends_of_two_indices() {
        let mut steps = plan(LATEST);
        steps.retain(|step| step.contains("INDEX"));
        assert_eq!(
            steps,
            [
                "SEARCH task USING COVERING INDEX task_expiring (namespace=?)",
                "SEARCH hold USING COVERING INDEX hold_expiring (namespace=?)",
            ]
        );
    }
}
