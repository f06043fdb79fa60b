//! Edits in memory: examples, the corpus of edits of this repository, and 100,000 mutated ones that an
//! oracle judges.

mod corpus;
mod examples;
mod mutated;
mod oracle;

use super::apply::{Edit, apply};
use super::refusal::Refusal;
use super::text::FileText;

/// Edits the bytes of a file; returns the bytes after it.
fn edit_bytes(bytes: &[u8], edit: Edit<'_>) -> Result<Vec<u8>, Refusal> {
    let text = FileText::decode(bytes.to_vec()).unwrap();
    let applied = apply(&text.text, edit)?;
    Ok(text.encode(&applied.text))
}

/// Returns an edit of the only occurrence of a text.
const fn once<'a>(old: &'a str, new: &'a str) -> Edit<'a> {
    Edit { old, new, all: false }
}
