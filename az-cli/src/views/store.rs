//! The status of a store.

use az_core::store::{Leftover, StoreAddress, StoreStatus};
use schemars::JsonSchema;
use serde::Serialize;

/// How much a store holds, and whether it is sound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct StoreStatusView {
    /// The address, without a password.
    pub store: String,
    /// The version of the schema, where the backend has one.
    pub schema: Option<u32>,
    /// The space on disk in bytes, where the backend knows it.
    pub bytes: Option<u64>,
    /// The number of tasks; as the other numbers, `null` if the store is so damaged that they cannot be
    /// counted.
    pub tasks: Option<u64>,
    /// The number of events in all journals.
    pub events: Option<u64>,
    /// The number of ledger entries.
    pub entries: Option<u64>,
    /// The number of open holds.
    pub open_holds: Option<u64>,
    /// Whether the store was checked, and is sound.
    pub soundness: Soundness,
    /// The problems that the check found.
    pub problems: Vec<String>,
    /// The files that interrupted writes left behind; empty when the store was not checked.
    pub leftovers: Vec<LeftoverView>,
}

/// A file that an interrupted write left behind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct LeftoverView {
    /// The path of the file.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
}

impl From<&Leftover> for LeftoverView {
    fn from(leftover: &Leftover) -> Self {
        Self { name: leftover.name.clone(), bytes: leftover.bytes }
    }
}

/// Whether a store is sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Soundness {
    /// It was not checked.
    NotChecked,
    /// The check found no problems.
    Sound,
    /// The check found problems.
    Unsound,
}

impl StoreStatusView {
    /// Returns the view of a status, which is `None` if it cannot be read; `problems` is `None` when the store was
    /// not checked.
    pub fn new(
        address: &StoreAddress,
        status: Option<&StoreStatus>,
        problems: Option<&[String]>,
        leftovers: &[Leftover],
    ) -> Self {
        Self {
            store: address.to_string(),
            schema: status.and_then(|status| status.schema),
            bytes: status.and_then(|status| status.bytes),
            tasks: status.map(|status| status.tasks),
            events: status.map(|status| status.events),
            entries: status.map(|status| status.entries),
            open_holds: status.map(|status| status.holds),
            soundness: match problems {
                None => Soundness::NotChecked,
                Some([]) => Soundness::Sound,
                Some(_) => Soundness::Unsound,
            },
            problems: problems.unwrap_or_default().to_vec(),
            leftovers: leftovers.iter().map(LeftoverView::from).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use az_core::store::{Leftover, StoreStatus};
    use serde_json::json;

    use super::StoreStatusView;

    #[test]
    fn a_status_names_its_store_and_what_is_wrong_with_it() {
        let address = "postgres://me:secret@h/az".parse().unwrap();
        let status =
            StoreStatus { schema: Some(5), bytes: None, tasks: 1, events: 2, entries: 3, holds: 4 };
        let problems = ["page 3 is torn".to_owned(), "body x is gone".to_owned()];
        let view = StoreStatusView::new(
            &address,
            Some(&status),
            Some(&problems),
            &[Leftover::new("a.tmp".to_owned(), 7)],
        );
        let expected = json!({
            "store": "postgres://me:***@h/az",
            "schema": 5,
            "bytes": null,
            "tasks": 1,
            "events": 2,
            "entries": 3,
            "open_holds": 4,
            "soundness": "unsound",
            "problems": ["page 3 is torn", "body x is gone"],
            "leftovers": [{"name": "a.tmp", "bytes": 7}],
        });
        assert_eq!(serde_json::to_value(view).unwrap(), expected);
    }
}
