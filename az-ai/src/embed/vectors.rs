//! Splits texts into batches, and checks vectors.

use super::wire::BatchLimits;
use crate::estimate;

/// Splits texts into batches within the limits, by estimated tokens. A text that is too large for
/// any batch is one by itself: the provider reports the error.
pub(super) fn batches<'a, 'b>(
    texts: &'a [&'b str],
    limits: BatchLimits,
) -> impl Iterator<Item = &'a [&'b str]> {
    let mut rest = texts;
    std::iter::from_fn(move || {
        let mut tokens = 0_u64;
        let fitting = rest.iter().take(limits.texts).take_while(|text| {
            tokens = tokens.saturating_add(estimate::text(text));
            tokens <= limits.tokens
        });
        let count = fitting.count().max(1);
        let (batch, after) = rest.split_at_checked(count)?;
        rest = after;
        Some(batch)
    })
}

/// Checks that all vectors have the same length and only finite numbers.
///
/// # Errors
///
/// A message that names the invalid vector.
pub(super) fn measure(vectors: &[Vec<f32>], dimensions: usize) -> Result<(), String> {
    for (number, vector) in (1..).zip(vectors) {
        if vector.len() != dimensions {
            let length = vector.len();
            return Err(format!("vector {number} has {length} dimensions, not {dimensions}"));
        }
        if !vector.iter().all(|x| x.is_finite()) {
            return Err(format!("vector {number} has numbers that are not finite"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{batches, measure};
    use crate::embed::BatchLimits;

    #[test]
    fn batches_keep_both_limits_and_lose_nothing() {
        let sizes = |texts: &[&str]| -> Vec<usize> {
            let limits = BatchLimits { texts: 3, tokens: 4 };
            batches(texts, limits).map(<[&str]>::len).collect()
        };
        assert_eq!(sizes(&[]), Vec::<usize>::new());
        assert_eq!(sizes(&["a"; 7]), [3, 3, 1]);
        // Six bytes count as two tokens, thirty as ten.
        let (two, ten) = ("twelve", "thirty bytes are ten tokens ..");
        assert_eq!(sizes(&[two, two, two, ten, two]), [2, 1, 1, 1]);
    }

    #[test]
    fn vectors_of_different_lengths_are_refused() {
        assert_eq!(measure(&[vec![1.0, 2.0], vec![0.0, -1.0]], 2), Ok(()));
        let said = |vector: Vec<f32>| measure(&[vec![1.0, 2.0], vector], 2).unwrap_err();
        assert_eq!(said(vec![1.0]), "vector 2 has 1 dimensions, not 2");
        for bad in [f32::NAN, f32::INFINITY] {
            assert_eq!(said(vec![0.0, bad]), "vector 2 has numbers that are not finite");
        }
    }
}
