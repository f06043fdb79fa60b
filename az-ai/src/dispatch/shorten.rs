//! Shortens a reply so that the remaining budget pays for it.

use az_core::Usd;

use crate::chat::ChatRequest;
use crate::client::{LlmClient, SHORTEST_REPLY};

/// Returns the maximum of output tokens for which the request costs no more than `left`, if it is
/// lower than the requested maximum and still useful.
///
/// Uses the client's own estimates, which perform no I/O and do not fall with the reply's length.
pub(super) fn affordable(client: &dyn LlmClient, request: &ChatRequest, left: Usd) -> Option<u32> {
    let asked = request.max_tokens;
    let mut request = request.clone();
    let mut fits = |max_tokens| {
        request.max_tokens = max_tokens;
        client.estimate_cost(&request).max_cost.is_some_and(|cost| cost <= left)
    };
    let (mut low, mut high) = (SHORTEST_REPLY.min(asked), asked);
    if !fits(low) {
        return None;
    }
    // `low` fits; `high` does not, or it would not have been refused.
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if fits(middle) {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low < asked).then_some(low)
}

#[cfg(test)]
mod tests {
    use az_core::Usd;

    use super::affordable;
    use crate::chat::{ChatRequest, ChatStream};
    use crate::client::{Capabilities, CostEstimate, LlmClient};
    use crate::error::Result;

    /// Costs a nano-dollar a token, and a thousand for the request.
    #[derive(Debug)]
    struct Shop;

    #[async_trait::async_trait]
    impl LlmClient for Shop {
        fn provider(&self) -> &str {
            "shop"
        }

        fn capabilities(&self, _model: &str) -> Capabilities {
            Capabilities::TEXT
        }

        fn estimate_cost(&self, request: &ChatRequest) -> CostEstimate {
            let max_cost = Some(Usd::from_nanos(1_000 + i64::from(request.max_tokens)));
            CostEstimate::new(max_cost, 0)
        }

        async fn complete(&self, _request: &ChatRequest) -> Result<crate::chat::ChatReply> {
            unreachable!("the test sends no request")
        }

        fn stream(&self, _request: &ChatRequest) -> ChatStream {
            unreachable!("the test sends no request")
        }
    }

    #[test]
    fn the_longest_affordable_reply_is_exact() {
        let found = |asked, left| {
            let request = ChatRequest::prompt("m", "go").with_max_tokens(asked);
            affordable(&Shop, &request, Usd::from_nanos(left))
        };
        assert_eq!(found(2_048, 1_500), Some(500));
        assert_eq!(found(2_048, 1_256), Some(256));
        assert_eq!(found(2_048, 1_255), None, "below the shortest useful reply");
        assert_eq!(found(2_048, 3_047), Some(2_047));
        assert_eq!(found(u32::MAX, 1_000_000), Some(999_000));
        assert_eq!(
            found(100, 1_099),
            None,
            "the requested maximum is below the shortest useful reply"
        );
        assert_eq!(found(0, 0), None);
    }
}
