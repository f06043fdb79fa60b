//! Parts of a cost before rounding.

use std::fmt;
use std::iter::Sum;

use crate::token_price::TokenPrice;
use az_core::Usd;

/// The femto-dollars of a nano-dollar.
const PER_NANO: u128 = 1_000_000;

/// A part of a cost in whole femto-dollars (10⁻¹⁵ of a dollar).
///
/// The unit is exact for half a price and for a price with a tenth added. So parts add up to their
/// total, which is rounded once. Sums saturate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(u128);

impl Amount {
    /// Creates an amount of femto-dollars.
    pub const fn from_femto(femto: u128) -> Self {
        Self(femto)
    }

    /// Returns the amount in femto-dollars.
    pub const fn femto(self) -> u128 {
        self.0
    }

    /// Returns the cost of a count at thousandths of a price.
    pub(super) fn of(quantity: u64, price: TokenPrice, thousandths: u32) -> Self {
        let pico = u128::from(quantity).saturating_mul(u128::from(price.pico()));
        Self(pico.saturating_mul(u128::from(thousandths)))
    }

    /// Returns the amount with one of its parts replaced.
    pub(super) fn instead(self, part: Self, other: Self) -> Self {
        Self(self.0.saturating_sub(part.0).saturating_add(other.0))
    }

    /// Returns the amount rounded up to the nano-dollar; saturates.
    pub fn to_usd(self) -> Usd {
        Usd::from_nanos(i64::try_from(self.0.div_ceil(PER_NANO)).unwrap_or(i64::MAX))
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.fold(0, |sum, amount| sum.saturating_add(amount.0)))
    }
}

/// Formats as `$0.0000375`: at least two decimals, more where they are not zero, never rounded.
impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DOLLAR: u128 = 1_000_000_000_000_000;
        let fraction = format!("{:015}", self.0 % DOLLAR);
        let short = fraction.trim_end_matches('0');
        let digits = if short.len() < 2 { fraction.get(..2).unwrap_or_default() } else { short };
        f.pad(&format!("${}.{digits}", self.0 / DOLLAR))
    }
}

#[cfg(test)]
mod tests {
    use super::{Amount, TokenPrice};

    #[test]
    fn only_the_sum_of_parts_is_rounded() {
        let part = Amount::of(3, TokenPrice::from_pico(75_001), 550);
        assert_eq!(part.femto(), 123_751_650);
        assert_eq!(part.to_string(), "$0.00000012375165");
        assert_eq!(part.to_usd().nanos(), 124);
        let sum: Amount = [part, part, part].into_iter().sum();
        assert_eq!(sum.to_usd().nanos(), 372);
        assert_eq!(Amount::default().to_string(), "$0.00");
    }

    #[test]
    fn amounts_saturate() {
        let most = Amount::of(u64::MAX, TokenPrice::from_pico(u64::MAX), 1100);
        assert_eq!([most, most].into_iter().sum::<Amount>(), most);
        assert_eq!(most.to_usd().nanos(), i64::MAX);
    }
}
