//! The namespace that a connection is bound to.
//!
//! Statements use it as the SQL function `az_namespace()`, so that no caller has to pass it and the
//! planner treats it as a constant.

use az_core::store::Namespace;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use crate::error::Result;

/// The tables whose rows belong to a namespace. All namespaces share `orphaned_blob`.
const SCOPED: &[&str] = &[
    "alert",
    "bucket",
    "budget",
    "command_run",
    "entry",
    "entry_sum",
    "event",
    "hint",
    "hold",
    "hold_bucket",
    "lease_anchor",
    "log",
    "log_count",
    "log_size",
    "payer",
    "setting",
    "snapshot",
    "task",
];

/// Binds a connection to a namespace.
pub(super) fn bind(conn: &Connection, namespace: &Namespace) -> Result<()> {
    let name = namespace.as_str().to_owned();
    // Deterministic, so that it is evaluated once per statement; direct only, so that triggers and
    // views of users cannot use it.
    let flags = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY;
    conn.create_scalar_function("az_namespace", 0, flags, move |_| Ok(name.clone()))?;
    Ok(())
}

/// Returns `true` if a statement names the namespace at least once for each table of a namespace
/// that it reads or writes, or is one about the files that all namespaces share.
pub(super) fn is_bound(sql: &str) -> bool {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut words = sql.split(|c: char| !is_word(c)).filter(|word| !word.is_empty());
    let (mut tables, mut bound, mut names_table) = (0, 0, false);
    let mut shared = false;
    for word in &mut words {
        tables += u32::from(names_table && SCOPED.contains(&word));
        bound += u32::from(word == "az_namespace");
        shared |= word == "orphaned_blob";
        names_table = ["FROM", "JOIN", "INTO", "UPDATE"].contains(&word);
    }
    shared || bound >= tables
}

#[cfg(test)]
mod tests {
    use super::super::migrate::{OWN, in_memory};
    use super::{SCOPED, is_bound};

    #[test]
    fn every_table_but_the_shared_one_has_a_namespace() {
        let conn = in_memory();
        for table in OWN {
            let sql = format!(
                "SELECT count(*) FROM pragma_table_info('{table}') \
                WHERE name = 'namespace' AND type = 'TEXT' AND \"notnull\" = 1 \
                AND dflt_value = '''default'''"
            );
            let columns: i64 = conn.query_row(&sql, [], |row| row.get(0)).unwrap();
            assert_eq!(columns, i64::from(*table != "orphaned_blob"), "{table}");
            assert_eq!(columns == 1, SCOPED.contains(table), "{table}");
        }
    }

    #[test]
    fn a_statement_that_forgets_the_namespace_of_a_table_is_found() {
        for (sql, expect) in [
            ("BEGIN IMMEDIATE", true),
            ("SELECT id FROM task WHERE namespace = az_namespace() AND id = ?1", true),
            ("SELECT id FROM task WHERE id = ?1", false),
            (
                "UPDATE bucket SET spent = 0 WHERE scope IN (SELECT scope FROM budget \
              WHERE namespace = az_namespace())",
                false,
            ),
            ("INSERT INTO log (namespace, at) VALUES (az_namespace(), ?1)", true),
            ("INSERT INTO log (at) VALUES (?1)", false),
            ("SELECT name FROM orphaned_blob WHERE EXISTS (SELECT 1 FROM event)", true),
        ] {
            assert_eq!(is_bound(sql), expect, "{sql}");
        }
    }
}
