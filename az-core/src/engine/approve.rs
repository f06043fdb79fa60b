//! Permission for a tool call: the policy's decision, and a person's answer.

use std::time::Duration;

use super::run::Run;
use crate::approval::{Approval, GrantScope, call_digest};
use crate::clock::{Clock, Timestamp, later};
use crate::error::Result;
use crate::journal::{EventBody, NewEvent};
use crate::point;
use crate::policy::{ApprovalTerms, PolicyDecision, access_check};
use crate::task::Waiting;
use crate::tool::{PreparedCall, ToolSpec};

/// Permission for a call.
pub(super) enum Permission {
    Granted,
    /// The call may not be made, for this reason.
    Refused(String),
}

/// Who denies a call that was not answered in time.
const TIME_LIMIT: &str = "the time limit";

/// The reason for which it is denied.
const NO_ANSWER: &str = "there was no answer in time";

const DENIED: &str = "not approved: continue without it, or call another tool";

impl Run {
    /// Evaluates the policy, and asks for approval if the policy says so. A recorded answer is not
    /// asked for again.
    ///
    /// # Errors
    ///
    /// If no one can be asked, `Waiting` for a task that is to wait, else `ApprovalRequired`; the stop
    /// reason if the run is stopped meanwhile.
    pub(super) async fn permission(
        &mut self,
        spec: &ToolSpec,
        call: &PreparedCall,
    ) -> Result<Permission> {
        let digest = call_digest(&call.invocation.tool, &call.invocation.arguments);
        // What a person denied stays denied, whatever has been allowed since.
        if let Some(record) = self.history.call(&call.invocation.call)
            && record.approval.as_ref().is_some_and(|(of, granted)| !granted && *of == digest)
        {
            return Ok(denied(record.denial.as_deref()));
        }
        let terms = match self.context.policy.evaluate(&self.task, spec, call) {
            PolicyDecision::Allow => return Ok(Permission::Granted),
            PolicyDecision::Deny { reason } => {
                return Ok(Permission::Refused(format!("not allowed: {reason}")));
            }
            PolicyDecision::Ask(_) if self.is_approved_check(spec, &call.invocation) => {
                return Ok(Permission::Granted);
            }
            PolicyDecision::Ask(terms) => terms,
        };
        if !terms.is_per_call && self.history.approved_tools.contains(&spec.name) {
            return Ok(Permission::Granted);
        }
        let prepared = call;
        let call = &call.invocation;
        let record = self.history.call(&call.call);
        let asked = record.is_some();
        match record.and_then(|record| record.approval.as_ref()) {
            Some((answered, true)) if *answered == digest => return Ok(Permission::Granted),
            Some(_) => {
                let other = "the recorded approval is for other arguments: call the tool again";
                return Ok(Permission::Refused(other.to_owned()));
            }
            None => {}
        }
        if !asked {
            // Where nothing waits for an answer, none is late.
            let limit = terms.deny_after.filter(|_| self.can_be_answered());
            let deny_at = limit.map(|limit| later(self.context.clock.now(), limit));
            let body = EventBody::ApprovalAsked {
                tool: call.tool.clone(),
                digest: digest.clone(),
                reason: terms.reason.clone(),
                arguments: call.arguments.clone(),
                deny_at,
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
            let (policy, task) = (&self.context.policy, &self.policy_task);
            call.invocation.access = access_check(policy, task, spec, &call);
        }
        call
    }

    /// Asks the approver and records the answer. Without one, the call is denied at the end of its time.
    async fn ask(
        &mut self,
        call: &PreparedCall,
        digest: String,
        terms: ApprovalTerms,
    ) -> Result<Permission> {
        let stop = self.stop.clone();
        let record = self.history.call(&call.invocation.call);
        let deny_at = record.and_then(|record| record.deny_at);
        let answer = tokio::select! {
            biased;
            () = stop.requested() => return self.check_stop().map(|()| denied(None)),
            () = reached(deny_at, &*self.context.clock) => None,
            answer = self.context.approver.ask(&self.task, call, &terms) => Some(answer?),
        };
        let call = &call.invocation;
        let (granted, by, tool, reason) = match answer {
            Some(Approval::Granted { by, scope }) => {
                (true, by, (scope == GrantScope::Task).then(|| call.tool.clone()), None)
            }
            Some(Approval::Denied { by }) => (false, by, None, None),
            None => (false, TIME_LIMIT.to_owned(), None, Some(NO_ANSWER.to_owned())),
            Some(Approval::Unattended) => {
                let waiting = Waiting::for_approval(call.call.clone(), &call.tool, digest);
                let waiting = waiting.with_reason(terms.reason).with_deny_at(deny_at);
                return Err(self.unattended(waiting));
            }
        };
        point!("approval.given");
        let permission = if granted { Permission::Granted } else { denied(reason.as_deref()) };
        let body = EventBody::ApprovalGiven { digest, granted, by, tool, reason };
        self.append_result(vec![NewEvent::about(call.call.clone(), body)]).await?;
        Ok(permission)
    }
}

/// Returns the refusal of a call that was denied, with the reason if there is one.
fn denied(reason: Option<&str>) -> Permission {
    Permission::Refused(match reason {
        Some(reason) => format!("not approved: {reason}"),
        None => DENIED.to_owned(),
    })
}

/// Waits until a time, if there is one.
#[expect(clippy::disallowed_methods, reason = "a person answers in real time")]
async fn reached(at: Option<Timestamp>, clock: &dyn Clock) {
    let Some(at) = at else { return std::future::pending().await };
    let left = Duration::try_from(at.duration_since(clock.now()));
    // A time that has passed has a negative duration.
    if let Ok(left) = left {
        tokio::time::sleep(left).await;
    }
}
