//! The status of a store.

use az_core::text::plural;

use crate::output::Table;
use crate::views::{Soundness, StoreStatusView};

/// Returns the table of a store's status.
pub fn store_table(status: &StoreStatusView) -> Table {
    let soundness = match status.soundness {
        Soundness::NotChecked => "not checked; use --check to read every page".to_owned(),
        Soundness::Sound => "sound".to_owned(),
        Soundness::Unsound => status.problems.join("; "),
    };
    let mut table = Table::new(&["what", "value"]);
    for (what, value) in [
        ("store", Some(status.store.clone())),
        ("schema", status.schema.map(|schema| schema.to_string())),
        ("size", status.bytes.map(|bytes| format!("{} KiB", bytes.div_ceil(1024)))),
        ("tasks", status.tasks.map(|count| count.to_string())),
        ("events", status.events.map(|count| count.to_string())),
        ("ledger entries", status.entries.map(|count| count.to_string())),
        ("open holds", status.open_holds.map(|count| count.to_string())),
        ("soundness", Some(soundness)),
        ("left by interrupted writes", leftovers(status)),
    ] {
        if let Some(value) = value {
            table.row(vec![what.to_owned(), value]);
        }
    }
    table
}

fn leftovers(status: &StoreStatusView) -> Option<String> {
    let bytes: u64 = status.leftovers.iter().map(|leftover| leftover.bytes).sum();
    let files = plural(status.leftovers.len(), "file");
    let text = format!("{files}, {} KiB; `az db clean` removes them", bytes.div_ceil(1024));
    (!status.leftovers.is_empty()).then_some(text)
}
