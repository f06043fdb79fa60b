//! A policy with one decision.

use crate::policy::{Policy, PolicyDecision};
use crate::task::Task;
use crate::tool::{PreparedCall, ToolSpec};

/// A policy that makes the same decision about every call, except that it never asks about a tool
/// that the task allows by name.
#[derive(Debug, Clone)]
pub struct FakePolicy(PolicyDecision);

impl FakePolicy {
    /// Creates a policy that always makes this decision.
    pub const fn always(decision: PolicyDecision) -> Self {
        Self(decision)
    }

    /// Creates a policy that asks about every call.
    pub fn asking(reason: impl Into<String>) -> Self {
        Self(PolicyDecision::ask(reason))
    }
}

impl Policy for FakePolicy {
    fn evaluate(&self, task: &Task, tool: &ToolSpec, _call: &PreparedCall) -> PolicyDecision {
        match &self.0 {
            PolicyDecision::Ask(_) if task.options.allow.contains(&tool.name) => {
                PolicyDecision::Allow
            }
            decision => decision.clone(),
        }
    }
}
