//! What was played, by provider.

use std::collections::BTreeMap;
use std::fmt;

use az_core::journal::FinishReason;

/// What was played of a provider over a wire.
#[derive(Debug, Default)]
pub(super) struct Row {
    provider: &'static str,
    wire: &'static str,
    pub(super) whole: usize,
    pub(super) streamed: usize,
    pub(super) byte_by_byte: usize,
    pub(super) errors: usize,
    pub(super) foreign: usize,
    pub(super) cuts: usize,
    /// The words that replies ended with, with their reasons.
    pub(super) finishes: BTreeMap<String, FinishReason>,
}

impl Row {
    pub(super) fn new(provider: &'static str, wire: &'static str) -> Self {
        Self { provider, wire, ..Self::default() }
    }

    /// Returns how many exchanges were played.
    pub(super) const fn exchanges(&self) -> usize {
        self.whole + self.streamed + self.errors + self.foreign
    }

    fn columns(&self) -> [usize; 7] {
        let Self { whole, streamed, byte_by_byte, errors, foreign, cuts, .. } = *self;
        [self.exchanges(), whole, streamed, byte_by_byte, errors, foreign, cuts]
    }
}

/// All that was played.
#[derive(Debug, Default)]
pub(super) struct Table(Vec<Row>);

impl Table {
    pub(super) fn add(&mut self, row: Row) {
        self.0.push(row);
    }

    /// Returns the sum of all rows.
    pub(super) fn sum(&self) -> Row {
        self.0.iter().fold(Row::new("all", ""), |sum, row| Row {
            whole: sum.whole + row.whole,
            streamed: sum.streamed + row.streamed,
            byte_by_byte: sum.byte_by_byte + row.byte_by_byte,
            errors: sum.errors + row.errors,
            foreign: sum.foreign + row.foreign,
            cuts: sum.cuts + row.cuts,
            finishes: sum.finishes.into_iter().chain(row.finishes.clone()).collect(),
            ..sum
        })
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<11} {:<17}", "provider", "wire")?;
        let heads = ["exchanges", "whole", "streamed", "by byte", "errors", "foreign", "cuts"];
        for head in heads {
            write!(f, " {head:>9}")?;
        }
        for row in self.0.iter().chain([&self.sum()]) {
            write!(f, "\n{:<11} {:<17}", row.provider, row.wire)?;
            for number in row.columns() {
                write!(f, " {number:>9}")?;
            }
        }
        for (word, reason) in self.sum().finishes {
            write!(f, "\n{word:<29} {reason}")?;
        }
        Ok(())
    }
}
