//! The shape of an answer, for models that are only told of it.

use crate::chat::ReplyFormat;

/// Returns what a model is told that takes no schema: the word JSON stands in it, as servers that
/// have a mode for it insist.
pub(in crate::provider) fn in_words(format: &ReplyFormat) -> String {
    format!(
        "Answer with one JSON object and nothing else. It has to match this JSON Schema:\n{}",
        format.schema
    )
}
