//! Counts tokens with public vocabularies.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{LazyLock, Mutex, OnceLock, PoisonError};

use tiktoken::{CoreBpe, encoding};
use tokio::runtime::Handle;

use super::{Vocabulary, size};

/// Texts below this size are not counted, so that a request without longer ones does not load a
/// vocabulary, which takes a fifth of a second and 25 MB.
const SHORT: usize = 64;
/// The number of counts that are kept. Above it, all are dropped and counted again.
const KEPT: usize = 1 << 14;

static O200K: Lazy = Lazy { loaded: OnceLock::new(), load: encoding::o200k_base };
static CL100K: Lazy = Lazy { loaded: OnceLock::new(), load: encoding::cl100k_base };
static COUNTS: LazyLock<Counts> = LazyLock::new(Counts::default);

/// A vocabulary that is loaded when it is first needed.
struct Lazy {
    loaded: OnceLock<CoreBpe>,
    load: fn() -> CoreBpe,
}

impl Lazy {
    const fn of(vocabulary: Vocabulary) -> Option<&'static Self> {
        match vocabulary {
            Vocabulary::Unknown => None,
            Vocabulary::Cl100k => Some(&CL100K),
            Vocabulary::O200k => Some(&O200K),
        }
    }

    fn get(&self) -> &CoreBpe {
        self.loaded.get_or_init(self.load)
    }
}

/// Loads a vocabulary on the blocking pool, unless it is loaded.
pub(super) async fn load(vocabulary: Vocabulary) {
    let Some(lazy) = Lazy::of(vocabulary).filter(|lazy| lazy.loaded.get().is_none()) else {
        return;
    };
    // Without a runtime, the first count loads the vocabulary.
    if Handle::try_current().is_ok() {
        az_core::blocking::run(|| _ = lazy.get()).await.ok();
    }
}

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
    let bpe = Lazy::of(vocabulary)?;
    let key = (vocabulary, text.len(), COUNTS.state.hash_one(text));
    let known = || COUNTS.known.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(tokens) = known().get(&key) {
        return Some(*tokens);
    }
    let tokens = size(bpe.get().count(text));
    let mut known = known();
    if known.len() >= KEPT {
        known.clear();
    }
    known.insert(key, tokens);
    Some(tokens)
}

#[cfg(test)]
mod tests {
    use super::{CL100K, Vocabulary, load};

    #[tokio::test]
    async fn a_vocabulary_is_loaded_before_the_first_count() {
        load(Vocabulary::Cl100k).await;
        assert!(CL100K.loaded.get().is_some());
        load(Vocabulary::Unknown).await;
    }
}
