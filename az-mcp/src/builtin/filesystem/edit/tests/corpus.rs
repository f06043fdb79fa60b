//! Edits of the history of this repository, which were recorded before the tool was written.

use az_core::digest::sha256_hex;
use serde::Deserialize;

use super::{edit_bytes, once};

const CORPUS: &str = include_str!("../../../../../tests/edits/corpus.jsonl");

#[derive(Deserialize)]
struct Change {
    commit: String,
    path: String,
    before: String,
    edits: Vec<RecordedEdit>,
    sha256: String,
}

#[derive(Deserialize)]
struct RecordedEdit {
    old_string: String,
    new_string: String,
}

#[test]
fn correct_edits_apply_at_the_first_try() {
    let (mut all, mut failed) = (0, Vec::new());
    for line in CORPUS.lines() {
        let change: Change = serde_json::from_str(line).unwrap();
        let mut bytes = change.before.into_bytes();
        for RecordedEdit { old_string, new_string } in &change.edits {
            all += 1;
            match edit_bytes(&bytes, once(old_string, new_string)) {
                Ok(edited) => bytes = edited,
                Err(refusal) => {
                    failed.push(format!("{} {}: {refusal}", change.commit, change.path));
                }
            }
        }
        if sha256_hex(&bytes) != change.sha256 {
            failed.push(format!("{} {}: another result", change.commit, change.path));
        }
    }
    assert!(all >= 280 && failed.len() * 50 <= all, "{failed:#?}");
}
