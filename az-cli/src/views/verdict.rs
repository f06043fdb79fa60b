//! What the policy decides about a call.

use az_core::policy::PolicyDecision;
use az_mcp::policy::{DecidedBy, Verdict};
use schemars::JsonSchema;
use serde::Serialize;

use super::units::millis;

/// What the policy decides about a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct VerdictView {
    /// The tool.
    pub tool: String,
    /// The decision: `allow`, `ask` or `deny`.
    pub decision: &'static str,
    /// The reason, unless the call is allowed.
    pub reason: Option<String>,
    /// What decided: `rule`, `protected` for a protected file, or `scope` for what the tool can reach.
    pub by: &'static str,
    /// The rule, in words.
    pub rule: Option<String>,
    /// Where the rule is written.
    pub source: Option<String>,
    /// The protected file or directory.
    pub protected: Option<String>,
    /// Whether each call needs an approval of its own.
    pub is_per_call: bool,
    /// How long an approval is waited for, if there is a limit.
    pub deny_after_ms: Option<u64>,
}

impl VerdictView {
    /// Creates the view of a verdict about a call of a tool.
    pub fn new(tool: &str, verdict: &Verdict) -> Self {
        let (decision, reason, terms) = match &verdict.decision {
            PolicyDecision::Allow => ("allow", None, None),
            PolicyDecision::Ask(terms) => ("ask", Some(terms.reason.clone()), Some(terms)),
            PolicyDecision::Deny { reason } => ("deny", Some(reason.clone()), None),
        };
        let (by, rule, protected) = match &verdict.by {
            DecidedBy::Rule(rule) => ("rule", Some(rule), None),
            DecidedBy::Protected(protected) => ("protected", None, Some((*protected).to_owned())),
            DecidedBy::Scope => ("scope", None, None),
        };
        Self {
            tool: tool.to_owned(),
            decision,
            reason,
            by,
            rule: rule.map(ToString::to_string),
            source: rule.map(|rule| rule.source.clone()),
            protected,
            is_per_call: terms.is_some_and(|terms| terms.is_per_call),
            deny_after_ms: terms.and_then(|terms| terms.deny_after).map(millis),
        }
    }
}
