//! The size of requests in tokens, by what the provider counted of the last one.

use az_core::journal::CountedRequest;

use crate::chat::ChatRequest;
use crate::estimate;

/// The factor by which an estimate may be too high. Tokens have three to six bytes in most texts, and a
/// provider that counts fewer leaves out a part, such as what it read from its cache.
const MOST_TOO_HIGH: u64 = 3;

/// Measures requests to a model.
///
/// Estimates err on the side of too many tokens, in prose by a third and more. Where the provider counted fewer
/// tokens of the last request, that is taken for what later requests have in common with it; what is appended
/// to it is estimated.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measure(Option<CountedRequest>);

impl Measure {
    /// Creates a measure from the last request that was counted, if there is one.
    pub(super) fn new(last: Option<CountedRequest>) -> Self {
        let is_plausible = |last: &CountedRequest| {
            last.counted < last.estimated && last.counted >= last.estimated / MOST_TOO_HIGH
        };
        Self(last.filter(is_plausible))
    }

    /// Returns the tokens of a request.
    pub(super) fn tokens(self, request: &ChatRequest) -> u64 {
        self.of_estimate(estimate::tokens(request))
    }

    /// Returns the tokens of a request and its longest possible reply.
    pub(super) fn size(self, request: &ChatRequest) -> u64 {
        self.tokens(request).saturating_add(u64::from(request.max_tokens))
    }

    /// Returns the tokens of a request with this estimate.
    fn of_estimate(self, estimated: u64) -> u64 {
        let Some(last) = self.0 else { return estimated };
        match estimated.checked_sub(last.estimated) {
            Some(appended) => last.counted.saturating_add(appended),
            None => scale(estimated, last.counted, last.estimated),
        }
    }

    /// Returns the estimate of a request that has this many tokens.
    pub(super) fn estimate_of(self, tokens: u64) -> u64 {
        let Some(last) = self.0 else { return tokens };
        match tokens.checked_sub(last.counted) {
            Some(appended) => last.estimated.saturating_add(appended),
            None => scale(tokens, last.estimated, last.counted),
        }
    }
}

/// Returns `tokens * to / from`, rounded up.
fn scale(tokens: u64, to: u64, from: u64) -> u64 {
    let product = u128::from(tokens) * u128::from(to);
    u64::try_from(product.div_ceil(u128::from(from.max(1)))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use az_core::journal::CountedRequest;

    use super::Measure;

    #[test]
    fn what_was_counted_is_taken_for_the_common_part_and_the_rest_is_estimated() {
        let measure = Measure::new(Some(CountedRequest::new(3_000, 2_000)));
        for (estimated, tokens) in [(0, 0), (1_500, 1_000), (3_000, 2_000), (3_400, 2_400)] {
            assert_eq!(measure.of_estimate(estimated), tokens);
            assert_eq!(measure.estimate_of(tokens), estimated);
        }
        assert_eq!(measure.of_estimate(u64::MAX), u64::MAX - 1_000);
    }

    #[test]
    fn estimates_are_neither_raised_nor_lowered_beyond_what_is_plausible() {
        for counted in [3_000, 4_000, 999, 0] {
            let measure = Measure::new(Some(CountedRequest::new(3_000, counted)));
            assert_eq!(measure.of_estimate(1_500), 1_500, "{counted}");
            assert_eq!(measure.estimate_of(1_500), 1_500, "{counted}");
        }
        assert_eq!(Measure::new(None).of_estimate(7), 7);
    }
}
