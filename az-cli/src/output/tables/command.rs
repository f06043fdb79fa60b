//! Commands that were run, as a table.

use std::time::Duration;

use az_core::Timestamp;

use crate::output::{Table, age, duration};
use crate::views::CommandRunView;

/// Returns the table of commands.
pub fn commands_table(runs: &[CommandRunView], now: Timestamp) -> Table {
    let mut table = Table::new(&["started", "command", "duration", "exit code"]);
    for run in runs {
        table.row(vec![
            age(run.started_at, now),
            run.command.clone(),
            in_words(run.duration_us),
            run.exit_code.to_string(),
        ]);
    }
    table
}

/// Returns a duration; a short one with a fraction of a millisecond.
fn in_words(micros: u64) -> String {
    match micros {
        0..100_000 => format!("{}.{} ms", micros / 1000, micros % 1000 / 100),
        _ => duration(Duration::from_micros(micros)),
    }
}
