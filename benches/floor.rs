//! The floor of a listing: a minimal program that opens SQLite, reads 20 rows and prints them.

use std::io::Write;

use rusqlite::{Connection, OpenFlags};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("which database?")?;
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let sql = "SELECT id, status, command FROM task WHERE namespace = 'default' \
               ORDER BY created_at DESC, id DESC LIMIT 20";
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut out = std::io::stdout().lock();
    while let Some(row) = rows.next()? {
        let (id, command): (String, String) = (row.get(0)?, row.get(2)?);
        writeln!(out, "{id} {command}")?;
    }
    Ok(())
}
