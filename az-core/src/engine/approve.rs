//! Permission for a tool call: the policy's decision, and a person's answer.

use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::run::Run;
use crate::approval::{Approval, GrantScope};
use crate::error::{Error, Result};
use crate::journal::{EventBody, NewEvent};
use crate::point;
use crate::policy::{ApprovalTerms, PolicyDecision};
use crate::tool::{Access, AccessCheck, Invocation, PreparedCall, ToolSpec};

/// Permission for a call.
pub(super) enum Permission {
    Granted,
    /// The call may not be made, for this reason.
    Refused(String),
}

const DENIED: &str = "not approved: continue without it, or call another tool";

impl Run {
    /// Evaluates the policy, and asks for approval if the policy says so. A recorded answer is not
    /// asked for again.
    ///
    /// # Errors
    ///
    /// `ApprovalRequired` if no one can be asked; the stop reason if the run is stopped meanwhile.
    pub(super) async fn permission(
        &mut self,
        spec: &ToolSpec,
        call: &PreparedCall,
    ) -> Result<Permission> {
        let terms = match self.context.policy.evaluate(&self.task, spec, call) {
            PolicyDecision::Allow => return Ok(Permission::Granted),
            PolicyDecision::Deny { reason } => {
                return Ok(Permission::Refused(format!("not allowed: {reason}")));
            }
            PolicyDecision::Ask(terms) => terms,
        };
        if !terms.is_per_call && self.history.approved_tools.contains(&spec.name) {
            return Ok(Permission::Granted);
        }
        let prepared = call;
        let call = &call.invocation;
        let digest = digest(&call.tool, &call.arguments);
        let record = self.history.call(&call.call);
        let asked = record.is_some();
        match record.and_then(|record| record.approval.as_ref()) {
            Some((answered, true)) if *answered == digest => return Ok(Permission::Granted),
            Some((answered, false)) if *answered == digest => {
                return Ok(Permission::Refused(DENIED.to_owned()));
            }
            Some(_) => {
                let other = "the recorded approval is for other arguments: call the tool again";
                return Ok(Permission::Refused(other.to_owned()));
            }
            None => {}
        }
        if !asked {
            let body = EventBody::ApprovalAsked {
                tool: call.tool.clone(),
                digest: digest.clone(),
                reason: terms.reason.clone(),
                arguments: call.arguments.clone(),
            };
            self.append(vec![NewEvent::about(call.call.clone(), body)]).await?;
        }
        self.ask(prepared, digest, terms).await
    }

    /// Returns the call with a check of what it really accesses, if its tool declares accesses.
    pub(super) fn with_access_check(
        &self,
        spec: &ToolSpec,
        mut call: PreparedCall,
    ) -> PreparedCall {
        if !call.accesses.is_empty() {
            call.invocation.access = access_check(self, spec, &call);
        }
        call
    }

    /// Asks the approver and records the answer.
    async fn ask(
        &mut self,
        call: &PreparedCall,
        digest: String,
        terms: ApprovalTerms,
    ) -> Result<Permission> {
        let stop = self.stop.clone();
        let denied = || Permission::Refused(DENIED.to_owned());
        let answer = tokio::select! {
            biased;
            () = stop.requested() => return self.check_stop().map(|()| denied()),
            answer = self.context.approver.ask(&self.task, call, &terms) => answer?,
        };
        let call = &call.invocation;
        let (granted, by, tool) = match answer {
            Approval::Granted { by, scope } => {
                (true, by, (scope == GrantScope::Task).then(|| call.tool.clone()))
            }
            Approval::Denied { by } => (false, by, None),
            Approval::Unattended => {
                let reason = terms.reason;
                return Err(Error::ApprovalRequired { tool: call.tool.clone(), reason });
            }
        };
        point!("approval.given");
        let body = EventBody::ApprovalGiven { digest, granted, by, tool };
        self.append_result(vec![NewEvent::about(call.call.clone(), body)]).await?;
        Ok(if granted { Permission::Granted } else { denied() })
    }
}

/// Returns a check of what a call really accesses: by the policy, as if its arguments named
/// it. What would need approval is refused, because the call was approved, if at all, under another
/// name.
fn access_check(run: &Run, spec: &ToolSpec, call: &PreparedCall) -> AccessCheck {
    let (policy, task) = (Arc::clone(&run.context.policy), Arc::clone(&run.policy_task));
    let (spec, effect, id) = (spec.clone(), call.effect, call.invocation.call.clone());
    AccessCheck::new(move |access| {
        let invocation =
            Invocation::new(task.id.clone(), id.clone(), spec.name.clone(), Value::Null);
        let call = PreparedCall::new(invocation, effect).with_accesses(vec![access.clone()]);
        let reason = match policy.evaluate(&task, &spec, &call) {
            PolicyDecision::Allow => return Ok(()),
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

/// Returns the digest that an approval is bound to: this tool with these arguments.
pub(super) fn digest(tool: &str, arguments: &Value) -> String {
    let hash = Sha256::digest(format!("{tool}\n{arguments}"));
    hash.iter().fold(String::with_capacity(64), |mut hex, byte| {
        hex.push_str(&format!("{byte:02x}"));
        hex
    })
}
