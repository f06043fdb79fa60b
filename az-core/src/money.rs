//! Money as integers, so that sums are exact and nothing is rounded.

use std::fmt;
use std::iter::Sum;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::Error;

const NANOS: i64 = 1_000_000_000;

/// An amount of US dollars in whole nano-dollars (1 USD = 1,000,000,000).
///
/// Arithmetic saturates, because a budget must not wrap around.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Usd(i64);

impl Usd {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self(i64::MAX);

    /// Creates an amount from nano-dollars.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Creates an amount from whole dollars.
    pub const fn from_dollars(dollars: i64) -> Self {
        Self(dollars.saturating_mul(NANOS))
    }

    /// Returns the amount in nano-dollars.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Returns the sum, clamped to the range.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Returns the difference, clamped to the range.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Returns `percent` percent of the amount, rounded down.
    #[must_use]
    pub fn percent(self, percent: u8) -> Self {
        let nanos = i128::from(self.0) * i128::from(percent) / 100;
        Self(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    /// Returns `true` if the amount is zero.
    pub fn is_zero(&self) -> bool {
        *self == Self::ZERO
    }

    /// Returns `true` if the amount is below zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl Sum for Usd {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::plus)
    }
}

/// Formats as `$1.50`: at least two decimals, more where needed, never rounded.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.is_negative() { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let (whole, mut fraction) = (nanos / NANOS.unsigned_abs(), nanos % NANOS.unsigned_abs());
        let mut decimals = 9;
        while decimals > 2 && fraction % 10 == 0 {
            fraction /= 10;
            decimals -= 1;
        }
        if f.width().is_none() && f.precision().is_none() {
            // Listings write many amounts: this way needs no allocation.
            return write!(f, "{sign}${whole}.{fraction:0decimals$}");
        }
        f.pad(&format!("{sign}${whole}.{fraction:0decimals$}"))
    }
}

/// Parses `1.5`, `$1.50` or `0.000000001`.
impl FromStr for Usd {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let bad = |why: &str| Error::invalid("amount", format!("{text:?}: {why}"));
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let digits = unsigned.strip_prefix('$').unwrap_or(unsigned);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let numeric = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !numeric(whole) || !numeric(fraction) {
            return Err(bad("must be an amount of US dollars, such as 12.50"));
        }
        if fraction.len() > 9 {
            return Err(bad("must have at most 9 decimals"));
        }
        let nanos: i64 = format!("{whole}{fraction:0<9}")
            .parse()
            .map_err(|_| bad("must be less than 10 billion"))?;
        Ok(Self(if text.starts_with('-') { -nanos } else { nanos }))
    }
}

#[cfg(test)]
mod tests {
    use super::Usd;

    #[test]
    fn amounts_are_written_exactly_and_read_back() {
        for (nanos, text) in [
            (0, "$0.00"),
            (1, "$0.000000001"),
            (1_500_000_000, "$1.50"),
            (1_234_500_000, "$1.2345"),
            (-20_000_000, "-$0.02"),
        ] {
            assert_eq!(Usd::from_nanos(nanos).to_string(), text);
            assert_eq!(text.parse::<Usd>().unwrap(), Usd::from_nanos(nanos));
        }
    }

    #[test]
    fn bad_amounts_are_refused() {
        for text in ["", ".", "1,5", "1e3", "abc", "--1", "0.0000000001", "99999999999999"] {
            assert!(text.parse::<Usd>().is_err(), "{text:?} was accepted");
        }
    }
}
