//! Errors of price files.

use std::fmt;

use crate::error::hint;
use crate::source::SourceLocation;
use crate::token_price::InvalidPrice;

/// The error of a price file: what is wrong, where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {problem}; {}", problem.remedy())]
#[non_exhaustive]
pub struct InvalidPrices {
    /// The location of the error in the file.
    pub location: SourceLocation,
    /// What is wrong.
    pub problem: PriceProblem,
}

/// The problem with an entry of a price file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PriceProblem {
    /// The file is not TOML, or contains something other than tables `[[price]]`.
    Malformed(String),
    /// A field does not exist.
    UnknownField {
        /// The name in the file.
        name: String,
        /// Similar fields.
        near: Vec<String>,
    },
    /// A field is missing.
    MissingField(&'static str),
    /// A field has a value of another type.
    WrongType {
        /// The name of the field.
        field: String,
        /// The type in the file.
        found: &'static str,
    },
    /// A price is not a number of dollars.
    InvalidPrice(InvalidPrice),
    /// A date is invalid.
    InvalidDay(String),
    /// The last day of a price is before the first.
    EmptyPeriod,
    /// An entry has no price per token.
    NoTokenPrice {
        /// The model of the entry.
        model: String,
    },
}

impl PriceProblem {
    /// Returns what to do about the problem.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Malformed(_) => "write [[price]], and its fields below it, one a line",
            Self::UnknownField { .. } => "correct the name or remove the field",
            Self::MissingField(_) => "every [[price]] needs a provider and a model",
            Self::WrongType { .. } => "write names and days in quotes, and prices as numbers",
            Self::InvalidPrice(_) | Self::NoTokenPrice { .. } => {
                "write what one token costs in dollars, such as 0.0000025, or 0 when it is free"
            }
            Self::InvalidDay(_) => "write a day in UTC, such as \"2026-03-13\"",
            Self::EmptyPeriod => "set valid_until to a day after valid_from",
        }
    }
}

impl fmt::Display for PriceProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(reason) => f.write_str(reason),
            Self::UnknownField { name, near } => write!(f, "unknown field {name:?}{}", hint(near)),
            Self::MissingField(field) => write!(f, "missing field {field:?}"),
            Self::WrongType { field, found } => {
                write!(f, "invalid value of {field:?}: its type is {found}")
            }
            Self::InvalidPrice(error) => error.fmt(f),
            Self::InvalidDay(day) => write!(f, "invalid day {day:?}"),
            Self::EmptyPeriod => f.write_str("the price ends before it begins"),
            Self::NoTokenPrice { model } => {
                write!(f, "the entry for {model:?} has no price of a token")
            }
        }
    }
}
