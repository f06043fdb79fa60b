//! The build without public vocabularies: no text is counted.

use super::Vocabulary;

/// Does nothing: there is nothing to load in this build.
#[expect(clippy::unused_async, reason = "the build with vocabularies waits")]
pub(super) async fn load(_vocabulary: Vocabulary) {}

/// Returns the number of a text's tokens, which is not known in this build.
pub(super) const fn count(_vocabulary: Vocabulary, _text: &str) -> Option<u64> {
    None
}
