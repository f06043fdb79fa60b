//! An embedder that counts letters.

use async_trait::async_trait;

use crate::cost::{Charge, CostEstimate, Usage};
use crate::embed::{Embedder, Embeddings};
use crate::error::Result;
use crate::money::Usd;

/// Counts the letters of a text, so that texts with the same letters have near vectors. It is free
/// and deterministic.
#[derive(Debug, Clone, Copy, Default)]
pub struct LetterEmbedder;

const LETTERS: usize = 26;

#[async_trait]
impl Embedder for LetterEmbedder {
    fn model(&self) -> &str {
        "letters"
    }

    fn dimensions(&self) -> usize {
        LETTERS
    }

    fn estimate_cost(&self, _texts: &[String]) -> CostEstimate {
        CostEstimate::free(0)
    }

    async fn embed(&self, texts: &[String]) -> Result<Embeddings> {
        let vectors = texts.iter().map(|text| count(text)).collect();
        Ok(Embeddings::new(vectors, Charge::new(Usage::default(), Some(Usd::ZERO))))
    }
}

fn count(text: &str) -> Vec<f32> {
    let mut counts = vec![0.0; LETTERS];
    for letter in text.bytes().map(|byte| byte.to_ascii_lowercase()) {
        let place = usize::from(letter.wrapping_sub(b'a'));
        if let Some(count) = counts.get_mut(place) {
            *count += 1.0;
        }
    }
    counts
}
