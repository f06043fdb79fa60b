//! Counts tokens with public vocabularies.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{LazyLock, Mutex, PoisonError};

use tiktoken::{CoreBpe, encoding};

use super::{Vocabulary, size};

/// Texts below this size are not counted, so that a request without longer ones does not load a
/// vocabulary, which takes a fifth of a second and 25 MB.
const SHORT: usize = 64;
/// The number of counts that are kept. Above it, all are dropped and counted again.
const KEPT: usize = 1 << 14;

static O200K: LazyLock<CoreBpe> = LazyLock::new(encoding::o200k_base);
static CL100K: LazyLock<CoreBpe> = LazyLock::new(encoding::cl100k_base);
static COUNTS: LazyLock<Counts> = LazyLock::new(Counts::default);

/// Counts of texts, so that the messages of a conversation are not counted again at each step.
#[derive(Default)]
struct Counts {
    /// The keys are hashes with a random state, so that no text can be made to match another's.
    known: Mutex<HashMap<(Vocabulary, usize, u64), u64>>,
    state: RandomState,
}

/// Returns the number of a text's tokens; `None` when the vocabulary is unknown or the text short.
pub(super) fn count(vocabulary: Vocabulary, text: &str) -> Option<u64> {
    if text.len() < SHORT {
        return None;
    }
    let bpe = match vocabulary {
        Vocabulary::Unknown => return None,
        Vocabulary::Cl100k => &CL100K,
        Vocabulary::O200k => &O200K,
    };
    let key = (vocabulary, text.len(), COUNTS.state.hash_one(text));
    let known = || COUNTS.known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(tokens) = known().get(&key) {
        return Some(*tokens);
    }
    let tokens = size(bpe.count(text));
    let mut known = known();
    if known.len() >= KEPT {
        known.clear();
    }
    known.insert(key, tokens);
    Some(tokens)
}
