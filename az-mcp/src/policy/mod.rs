//! Policies by rules: which calls are allowed, asked about, or denied.

mod command;
mod pattern;
mod protected;
mod rule;
mod rules;
mod spec;

pub(crate) use protected::PROTECTED;
pub use protected::is_protected;
pub use rule::{AccessKind, Rule, RuleAction};
pub use rules::{DecidedBy, RuleFile, RulePolicy, Verdict};
