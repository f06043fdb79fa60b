//! The numbers of log records of each level in each period of ten minutes, which triggers count.

use az_core::clock::from_micros;
use rusqlite::{Connection, TransactionBehavior};

use super::log;
use super::row::{all, run};
use crate::error::Result;

/// The length of a period in microseconds.
pub(super) const PERIOD: i64 = 600_000_000;

/// The numbers, computed from the records.
fn computed() -> String {
    format!(
        "SELECT az_namespace() AS namespace, at - ((at % {PERIOD}) + {PERIOD}) % {PERIOD} AS start, level, count(*) AS records \
         FROM log WHERE namespace = az_namespace() GROUP BY start, level"
    )
}

/// Returns a message for each number that is not that of the records.
pub(super) fn differences(conn: &Connection) -> Result<Vec<String>> {
    let sql = format!(
        "WITH counts AS (SELECT namespace, start, level, records FROM log_count \
            WHERE namespace = az_namespace()), computed AS ({}) \
         SELECT start, level FROM (SELECT * FROM (SELECT * FROM counts EXCEPT SELECT * FROM computed) \
            UNION SELECT * FROM (SELECT * FROM computed EXCEPT SELECT * FROM counts)) \
         GROUP BY start, level ORDER BY start, level",
        computed()
    );
    all(conn, &sql, [], |row| {
        let (start, level): (i64, i64) = (row.take()?, row.take()?);
        // A level that cannot be read is counted by its number.
        let level = log::level(level).map_or_else(|_| level.to_string(), |level| level.to_string());
        Ok(format!(
            "the number of {level} log records in the ten minutes from {} is not that of the records; \
             `az db clean` counts them anew",
            from_micros(start)
        ))
    })
}

/// Counts the records anew.
pub(super) fn rebuild(conn: &mut Connection) -> Result<()> {
    let change = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    run(&change, "DELETE FROM log_count WHERE namespace = az_namespace()", [])?;
    run(&change, &format!("INSERT INTO log_count {}", computed()), [])?;
    change.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::migrate::in_memory;
    use super::{differences, rebuild};

    #[test]
    fn counts_that_are_not_those_of_the_records_are_found_and_counted_anew() {
        let mut conn = in_memory();
        for (at, level) in [(-1, 0), (0, 0), (599_999_999, 0), (0, 3), (600_000_000, 0)] {
            let sql = "INSERT INTO log (namespace, at, level, target, message) VALUES ('default', ?1, ?2, '', '')";
            conn.execute(sql, (at, level)).unwrap();
        }
        assert_eq!(differences(&conn).unwrap(), [""; 0]);
        for damage in [
            "UPDATE log_count SET records = 3 WHERE start = 0 AND level = 0",
            "DELETE FROM log_count WHERE start = 0 AND level = 0",
        ] {
            conn.execute(damage, []).unwrap();
            assert_eq!(
                differences(&conn).unwrap(),
                [
                    "the number of debug log records in the ten minutes from 1970-01-01T00:00:00Z is not that \
                  of the records; `az db clean` counts them anew"
                ],
                "{damage}"
            );
            rebuild(&mut conn).unwrap();
            assert_eq!(differences(&conn).unwrap(), [""; 0], "{damage}");
        }
        conn.execute("DELETE FROM log", []).unwrap();
        assert_eq!(differences(&conn).unwrap(), [""; 0]);
    }
}
