//! Prices per token.

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer};

/// The decimals of a dollar in a price: a pico-dollar is 10⁻¹² dollars.
const DECIMALS: usize = 12;

/// The price of a token, in whole pico-dollars: a dollar for a million tokens is 1,000,000 of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct TokenPrice(u64);

impl TokenPrice {
    /// Free.
    pub const FREE: Self = Self(0);

    /// Creates a price in pico-dollars a token.
    pub const fn from_pico(pico: u64) -> Self {
        Self(pico)
    }

    /// Returns the price in pico-dollars a token.
    pub const fn pico(self) -> u64 {
        self.0
    }
}

/// The error of an invalid price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid price {text:?}: {reason}")]
pub struct InvalidPrice {
    text: String,
    reason: &'static str,
}

/// Parses dollars a token, such as `0.0005` or `2.5e-6`.
impl FromStr for TokenPrice {
    type Err = InvalidPrice;

    fn from_str(text: &str) -> Result<Self, InvalidPrice> {
        let bad = |reason| InvalidPrice { text: text.to_owned(), reason };
        if text.starts_with('-') {
            return Err(bad("must not be negative"));
        }
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let exponent: i32 =
            exponent.parse().map_err(|_| bad("must be a number of dollars, such as 0.0000025"))?;
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let numeric = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !numeric(whole) || !numeric(fraction) {
            return Err(bad("must be a number of dollars, such as 0.0000025"));
        }
        let digits = format!("{whole}{fraction}");
        let places = i32::try_from(fraction.len()).unwrap_or(i32::MAX).saturating_sub(exponent);
        let shift = i32::try_from(DECIMALS).unwrap_or(i32::MAX).saturating_sub(places);
        let number: u128 = digits.parse().map_err(|_| bad("has too many digits"))?;
        let scale = 10_u128.checked_pow(shift.unsigned_abs());
        let pico = match (number, scale) {
            (0, _) => Some(0),
            (_, Some(scale)) if shift >= 0 => number.checked_mul(scale),
            // Digits below a pico-dollar are rounded up, so that the price is never too low.
            (_, Some(scale)) => Some(number.div_ceil(scale)),
            (_, None) if shift < 0 => Some(1),
            (_, None) => None,
        };
        let pico = pico.and_then(|pico| u64::try_from(pico).ok());
        pico.map(Self).ok_or_else(|| bad("is too large"))
    }
}

/// Formats as dollars for a million tokens, such as `$2.50/M`.
impl fmt::Display for TokenPrice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000_000, self.0 % 1_000_000);
        let fraction = format!("{rest:06}");
        let short = fraction.trim_end_matches('0');
        let digits = if short.len() < 2 { fraction.get(..2).unwrap_or_default() } else { short };
        f.pad(&format!("${whole}.{digits}/M"))
    }
}

/// Deserialises a number of dollars a token, or the same as text. A number is read by its shortest
/// decimal form, which is the form in the source.
impl<'de> Deserialize<'de> for TokenPrice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Dollars)
    }
}

struct Dollars;

impl Visitor<'_> for Dollars {
    type Value = TokenPrice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dollars a token, such as 0.0000025")
    }

    fn visit_f64<E: de::Error>(self, dollars: f64) -> Result<TokenPrice, E> {
        dollars.to_string().parse().map_err(E::custom)
    }

    fn visit_u64<E: de::Error>(self, dollars: u64) -> Result<TokenPrice, E> {
        dollars.to_string().parse().map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, dollars: i64) -> Result<TokenPrice, E> {
        dollars.to_string().parse().map_err(E::custom)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<TokenPrice, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::TokenPrice;

    #[test]
    fn prices_are_read_to_the_pico_dollar() {
        let read = |text: &str| text.parse::<TokenPrice>().map(TokenPrice::pico).unwrap();
        assert_eq!(read("0.0005"), 500_000_000);
        assert_eq!(read("2.5e-6"), 2_500_000);
        assert_eq!(read("3E-08"), 30_000);
        assert_eq!(read("0"), 0);
        assert_eq!(read("1"), 1_000_000_000_000);
        assert_eq!(read("1e-13"), 1);
        assert_eq!(read("1e-99"), 1);
        let number: TokenPrice = serde_json::from_str("0.00000025").unwrap();
        assert_eq!((number.pico(), number.to_string().as_str()), (250_000, "$0.25/M"));
        assert_eq!(TokenPrice::from_pico(37_500).to_string(), "$0.0375/M");
    }

    #[test]
    fn invalid_prices_are_refused() {
        for text in ["", ".", "-1", "-0.5", "abc", "1e", "1e99", "NaN", "inf", "1.2.3", "1,5"] {
            assert!(text.parse::<TokenPrice>().is_err(), "{text:?} was taken");
        }
        let error = serde_json::from_str::<TokenPrice>("-0.1").unwrap_err().to_string();
        assert!(error.starts_with("invalid price \"-0.1\": must not be negative"), "{error}");
    }
}
