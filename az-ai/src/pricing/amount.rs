//! A part of a cost, before it is rounded.

use std::fmt;
use std::iter::Sum;

use crate::token_price::TokenPrice;
use az_core::Usd;

/// Femto-dollars in a nano-dollar.
const PER_NANO: u128 = 1_000_000;

/// A part of a cost in whole femto-dollars (10⁻¹⁵ of a dollar).
///
/// That is fine enough for half a price, and for a tenth more than a price, to be exact; so parts
/// add up to their total, which is rounded once. Sums are held to the range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(u128);

impl Amount {
    /// Returns an amount of femto-dollars.
    pub const fn from_femto(femto: u128) -> Self {
        Self(femto)
    }

    /// Returns the amount in femto-dollars.
    pub const fn femto(self) -> u128 {
        self.0
    }

    /// Returns what so many cost, at thousandths of a price.
    pub(super) fn of(quantity: u64, price: TokenPrice, thousandths: u32) -> Self {
        let pico = u128::from(quantity).saturating_mul(u128::from(price.pico()));
        Self(pico.saturating_mul(u128::from(thousandths)))
    }

    /// Returns the amount rounded up to the nano-dollar, held to the range.
    pub fn to_usd(self) -> Usd {
        Usd::from_nanos(i64::try_from(self.0.div_ceil(PER_NANO)).unwrap_or(i64::MAX))
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        Self(amounts.fold(0, |sum, amount| sum.saturating_add(amount.0)))
    }
}

/// Writes `$0.0000375`: at least two decimals, more where they say something, never rounded.
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
    fn parts_are_exact_and_only_their_sum_is_rounded() {
        let part = Amount::of(3, TokenPrice::from_pico(75_001), 550);
        assert_eq!(part.femto(), 123_751_650);
        assert_eq!(part.to_string(), "$0.00000012375165");
        assert_eq!(part.to_usd().nanos(), 124);
        let sum: Amount = [part, part, part].into_iter().sum();
        assert_eq!(sum.to_usd().nanos(), 372);
        assert_eq!(Amount::default().to_string(), "$0.00");
    }

    #[test]
    fn absurd_amounts_are_as_large_as_amounts_get() {
        let most = Amount::of(u64::MAX, TokenPrice::from_pico(u64::MAX), 1100);
        assert_eq!([most, most].into_iter().sum::<Amount>(), most);
        assert_eq!(most.to_usd().nanos(), i64::MAX);
    }
}
