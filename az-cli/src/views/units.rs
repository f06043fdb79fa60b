//! Amounts, prices and durations with their units in the names of their fields.
//!
//! A view spells its units out: `cost_nanos` and `cost_usd` are two fields, so that a reader of the
//! struct sees the JSON. The values of such a pair come from the functions here.

use std::time::Duration;

use az_ai::pricing::TokenPrice;
use az_core::Usd;

/// Returns the values of `…_nanos` and `…_usd`: nano-dollars, and dollars as a decimal number.
pub fn money(amount: Usd) -> (i64, String) {
    (amount.nanos(), without_sign(&amount.to_string()))
}

/// Returns the values of `…_pico_per_token` and `…_usd_per_million`.
pub fn token_price(price: TokenPrice) -> (u64, String) {
    (price.pico(), without_sign(price.to_string().trim_end_matches("/M")))
}

/// Returns the value of `…_ms`.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Returns an amount without its dollar sign.
pub(super) fn without_sign(amount: &str) -> String {
    amount.replace('$', "")
}

#[cfg(test)]
mod tests {
    use az_ai::pricing::TokenPrice;
    use az_core::Usd;

    use super::{money, token_price};

    #[test]
    fn both_units_state_the_same_amount() {
        for (nanos, usd) in [(0, "0.00"), (1, "0.000000001"), (-1_500_000_000, "-1.50")] {
            assert_eq!(money(Usd::from_nanos(nanos)), (nanos, usd.to_owned()));
            assert_eq!(usd.parse::<Usd>().unwrap().nanos(), nanos);
        }
        assert_eq!(token_price(TokenPrice::from_pico(3_250_000)), (3_250_000, "3.25".to_owned()));
    }
}
