//! An embedder that counts letters.

use async_trait::async_trait;

use crate::embed::Embedder;
use crate::error::Result;

/// Counts the letters of a text: vectors are near where texts use the same letters. It knows no
/// meaning, needs no model, and says the same every time.
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

    async fn embed(&self, texts: &[String]) -> Result<Vec<Vec<f32>>> {
        Ok(texts.iter().map(|text| count(text)).collect())
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
