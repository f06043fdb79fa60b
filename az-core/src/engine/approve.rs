//! Permission for a tool call: the policy's decision, and a person's answer.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::run::Run;
use crate::approval::Approval;
use crate::error::{Error, Result};
use crate::journal::{EventBody, NewEvent};
use crate::point;
use crate::policy::PolicyDecision;
use crate::tool::{Invocation, PreparedCall, ToolSpec};

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
        let reason = match self.context.policy.evaluate(&self.task, spec, call) {
            PolicyDecision::Allow => return Ok(Permission::Granted),
            PolicyDecision::Deny { reason } => {
                return Ok(Permission::Refused(format!("not allowed: {reason}")));
            }
            PolicyDecision::Ask { reason } => reason,
        };
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
                reason: reason.clone(),
                arguments: call.arguments.clone(),
            };
            self.append(vec![NewEvent::about(call.call.clone(), body)]).await?;
        }
        self.ask(call, digest, reason).await
    }

    /// Asks the approver and records the answer.
    async fn ask(
        &mut self,
        call: &Invocation,
        digest: String,
        reason: String,
    ) -> Result<Permission> {
        let stop = self.stop.clone();
        let denied = || Permission::Refused(DENIED.to_owned());
        let answer = tokio::select! {
            biased;
            () = stop.requested() => return self.check_stop().map(|()| denied()),
            answer = self.context.approver.ask(&self.task, call, &reason) => answer?,
        };
        let (granted, by) = match answer {
            Approval::Granted { by } => (true, by),
            Approval::Denied { by } => (false, by),
            Approval::Unattended => {
                return Err(Error::ApprovalRequired { tool: call.tool.clone(), reason });
            }
        };
        point!("approval.given");
        let body = EventBody::ApprovalGiven { digest, granted, by };
        self.append_result(vec![NewEvent::about(call.call.clone(), body)]).await?;
        Ok(if granted { Permission::Granted } else { denied() })
    }
}

/// Returns the digest that an approval is bound to: this tool with these arguments.
pub(super) fn digest(tool: &str, arguments: &Value) -> String {
    let hash = Sha256::digest(format!("{tool}\n{arguments}"));
    hash.iter().fold(String::with_capacity(64), |mut hex, byte| {
        hex.push_str(&format!("{byte:02x}"));
        hex
    })
}
