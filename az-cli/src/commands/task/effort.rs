//! The option `--effort`.

use az_core::task::ReasoningEffort;
use clap::ValueEnum;

/// How much the model reasons.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Effort {
    /// Little
    Low,
    /// Medium
    Medium,
    /// Much
    High,
}

impl From<Effort> for ReasoningEffort {
    fn from(effort: Effort) -> Self {
        match effort {
            Effort::Low => Self::Low,
            Effort::Medium => Self::Medium,
            Effort::High => Self::High,
        }
    }
}
