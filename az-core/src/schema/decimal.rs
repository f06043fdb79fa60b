//! Numbers as they are written: decimal, and exact whether they have a decimal point or not.

use std::cmp::Ordering;

use serde_json::Number;

/// The number `mantissa` × 10^`exponent`. The mantissa does not end in a zero, so that equal numbers have equal
/// parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Decimal {
    mantissa: i128,
    exponent: i32,
}

impl Decimal {
    /// Returns a number of JSON; `None` if it has more digits than a value in memory can have.
    pub(super) fn of(number: &Number) -> Option<Self> {
        let text = number.to_string();
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let exponent = exponent.parse::<i32>().ok()?;
        let exponent = exponent.checked_sub(i32::try_from(fraction.len()).ok()?)?;
        Some(Self::new(format!("{whole}{fraction}").parse().ok()?, exponent))
    }

    /// Returns a count of characters, items or fields.
    pub(super) fn count(count: usize) -> Option<Self> {
        Some(Self::new(i128::try_from(count).ok()?, 0))
    }

    const fn new(mut mantissa: i128, mut exponent: i32) -> Self {
        if mantissa == 0 {
            return Self { mantissa, exponent: 0 };
        }
        while mantissa % 10 == 0 {
            mantissa /= 10;
            exponent = exponent.saturating_add(1);
        }
        Self { mantissa, exponent }
    }

    /// Returns whether this is a whole multiple of a unit. A unit of zero has no multiples to compare with, and
    /// restricts nothing.
    pub(super) fn is_multiple_of(self, unit: Self) -> bool {
        let (number, part) = (self.mantissa.abs(), unit.mantissa.abs());
        let shift = self.exponent.saturating_sub(unit.exponent);
        if part == 0 {
            return true;
        }
        if shift >= 0 {
            return (0..shift).fold(number % part, |rest, _| rest * 10 % part) == 0;
        }
        let part =
            10_i128.checked_pow(shift.unsigned_abs()).and_then(|factor| part.checked_mul(factor));
        // A unit that exceeds all mantissas has no multiple among them but zero.
        part.map_or(number == 0, |part| number % part == 0)
    }

    /// Returns the position of the first digit.
    fn order(self) -> i64 {
        let digits = self.mantissa.unsigned_abs().checked_ilog10().unwrap_or_default();
        i64::from(digits) + i64::from(self.exponent)
    }

    /// Returns the mantissa at a lower exponent. Compared are numbers of the same order, so that this has no
    /// more digits than the longer mantissa.
    fn mantissa_at(self, exponent: i32) -> i128 {
        let shift = self.exponent.saturating_sub(exponent).unsigned_abs();
        self.mantissa.saturating_mul(10_i128.saturating_pow(shift))
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let sign = self.mantissa.signum();
        let signs = sign.cmp(&other.mantissa.signum());
        if signs.is_ne() || sign == 0 {
            return signs;
        }
        let orders = self.order().cmp(&other.order());
        if orders.is_ne() {
            return if sign < 0 { orders.reverse() } else { orders };
        }
        let exponent = self.exponent.min(other.exponent);
        self.mantissa_at(exponent).cmp(&other.mantissa_at(exponent))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Number;

    use super::Decimal;

    fn decimal(text: &str) -> Decimal {
        Decimal::of(&text.parse::<Number>().unwrap()).unwrap()
    }

    #[test]
    fn numbers_are_equal_however_they_are_written() {
        for (one, other) in [("1", "1.0"), ("0", "-0.0"), ("100", "1e2"), ("-12.50", "-1.25E+1")] {
            assert_eq!(decimal(one), decimal(other));
        }
    }

    #[test]
    fn numbers_are_ordered_exactly() {
        let ascending = [
            "-1e300",
            "-9007199254740993",
            "-9007199254740992",
            "-1.5",
            "-1e-300",
            "0",
            "1e-300",
            "0.1",
            "0.11",
            "9",
            "9.5",
            "10",
            "9007199254740992",
            "9007199254740993",
            "18446744073709551615",
            "1e300",
        ]
        .map(decimal);
        let mut sorted = ascending;
        sorted.reverse();
        sorted.sort_unstable();
        assert_eq!(sorted, ascending);
    }

    #[test]
    fn multiples_are_exact() {
        for (number, unit, expected) in [
            ("3", "1", true),
            ("1.0000000001", "1", false),
            ("9007199254740993", "2", false),
            ("0.3", "0.1", true),
            ("0.35", "0.1", false),
            ("-7.5", "2.5", true),
            ("1e300", "3", false),
            ("3e300", "3", true),
            ("1", "1e300", false),
            ("0", "1e300", true),
            ("5", "0", true),
        ] {
            assert_eq!(decimal(number).is_multiple_of(decimal(unit)), expected, "{number} {unit}");
        }
    }
}
