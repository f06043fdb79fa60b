//! Policies: decisions about tool calls, apart from asking for approval.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::task::Task;
use crate::tool::{
    Access, AccessCheck, EffectClass, Invocation, PreparedCall, ToolScope, ToolSpec,
};

/// The decision of a policy about a call.
///
/// Exhaustive, so that a caller has to handle every decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PolicyDecision {
    /// The call may be made.
    Allow,
    /// The call may be made if the [`Approver`](crate::approval::Approver) grants it.
    Ask(ApprovalTerms),
    /// The call may not be made.
    Deny {
        /// The reason, for the model.
        reason: String,
    },
}

/// Why a call needs approval, and how long it may wait for it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ApprovalTerms {
    /// The reason, for the person who is asked.
    pub reason: String,
    /// How long a call waits for an answer before it is denied; without a limit if absent.
    pub deny_after: Option<Duration>,
    /// Whether each call needs an approval of its own: neither the task's `allow` option nor an
    /// approval for the whole task is enough.
    pub is_per_call: bool,
}

impl ApprovalTerms {
    /// Creates terms without a time limit.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), deny_after: None, is_per_call: false }
    }

    /// Sets how long a call waits for an answer before it is denied.
    #[must_use]
    pub const fn with_deny_after(mut self, limit: Option<Duration>) -> Self {
        self.deny_after = limit;
        self
    }

    /// Returns the terms with an approval of its own for each call.
    #[must_use]
    pub const fn per_call(mut self) -> Self {
        self.is_per_call = true;
        self
    }
}

impl PolicyDecision {
    /// Returns a decision to ask, for this reason.
    pub fn ask(reason: impl Into<String>) -> Self {
        Self::Ask(ApprovalTerms::new(reason))
    }
}

/// Decides which tool calls may be made.
///
/// # Contract
///
/// 1. [`evaluate`](Self::evaluate) performs no I/O and is deterministic.
/// 2. `Ask` and `Deny` have a reason.
/// 3. A tool in the task's `allow` option is never `Ask`, because its user has approved it already,
///    unless the terms are [per call](ApprovalTerms::is_per_call). A policy may still deny it.
pub trait Policy: fmt::Debug + Send + Sync + 'static {
    /// Decides about a call.
    fn evaluate(&self, task: &Task, tool: &ToolSpec, call: &PreparedCall) -> PolicyDecision;
}

/// Returns a check of what a call really accesses: by the policy, as if its arguments named
/// it. What would need approval is refused, because the call was approved, if at all, under another
/// name.
pub fn access_check(
    policy: &Arc<dyn Policy>,
    task: &Arc<Task>,
    spec: &ToolSpec,
    call: &PreparedCall,
) -> AccessCheck {
    let (policy, task) = (Arc::clone(policy), Arc::clone(task));
    let (spec, effect, id) = (spec.clone(), call.effect, call.invocation.call.clone());
    let approved = policy.evaluate(&task, &spec, call);
    AccessCheck::new(move |access| {
        let invocation =
            Invocation::new(task.id.clone(), id.clone(), spec.name.clone(), Value::Null);
        let call = PreparedCall::new(invocation, effect).with_accesses(vec![access.clone()]);
        let decision = policy.evaluate(&task, &spec, &call);
        let reason = match decision {
            PolicyDecision::Allow => return Ok(()),
            // The approval of the call is for this as well, as that of a listing is for what is below.
            PolicyDecision::Ask(ref terms)
                if decision == approved
                    && (!terms.is_per_call || matches!(access, Access::Read { .. })) =>
            {
                return Ok(());
            }
            PolicyDecision::Ask(terms) => format!("which needs approval ({})", terms.reason),
            PolicyDecision::Deny { reason } => format!("which is not allowed: {reason}"),
        };
        let what = match access {
            Access::Read { path } | Access::Write { path } => path,
            Access::Command { text, .. } => text,
            Access::Host { name } => name,
        };
        Err(format!("leads to {what}, {reason}; name that one in the call"))
    })
}

/// The default policy: allows calls that stay inside the task's workspace and tools in the task's
/// `allow` option, and asks about everything else.
///
/// Decides by the scope and the effect class that tools declare. A call that stays inside the
/// workspace but is unsafe to repeat needs approval as well.
#[derive(Debug, Clone, Copy, Default)]
pub struct WorkspacePolicy;

impl WorkspacePolicy {
    /// Decides by what the tool can reach and by the effect of the call alone.
    pub fn by_scope(tool: &ToolSpec, call: &PreparedCall) -> PolicyDecision {
        let reason = match tool.scope {
            ToolScope::Workspace if call.effect != EffectClass::Unsafe => {
                return PolicyDecision::Allow;
            }
            ToolScope::Workspace => "its effect cannot be verified or safely repeated",
            ToolScope::Network => "it can send data to other machines",
            ToolScope::System => "it can read and change anything that you can",
        };
        PolicyDecision::ask(reason)
    }
}

impl Policy for WorkspacePolicy {
    fn evaluate(&self, task: &Task, tool: &ToolSpec, call: &PreparedCall) -> PolicyDecision {
        // This policy reads no patterns: a rule that denies some calls of a tool denies all of them.
        let denies = |rule: &&String| rule.split('(').next().is_some_and(|name| name == tool.name);
        if let Some(rule) = task.options.deny.iter().find(denies) {
            return PolicyDecision::Deny { reason: format!("the task denies {rule}") };
        }
        if task.options.allow.contains(&tool.name) {
            return PolicyDecision::Allow;
        }
        Self::by_scope(tool, call)
    }
}

/// Allows every call, including `shell.execute`. For toolboxes that cannot do harm, and for
/// programs that run in a sandbox.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllowEverything;

impl Policy for AllowEverything {
    fn evaluate(&self, _task: &Task, _tool: &ToolSpec, _call: &PreparedCall) -> PolicyDecision {
        PolicyDecision::Allow
    }
}
