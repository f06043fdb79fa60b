//! Asking for approval of tool calls.

use std::fmt;

use async_trait::async_trait;

use crate::error::Result;
use crate::task::Task;
use crate::tool::Invocation;

/// The answer to a request for approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    /// The call may be made.
    Granted {
        /// Who granted it.
        by: String,
    },
    /// The call may not be made.
    Denied {
        /// Who denied it.
        by: String,
    },
    /// There is no one to ask: the task stops, and can be resumed where there is.
    Unattended,
}

/// Asks a person for approval of the calls that the [`Policy`](crate::policy::Policy) does not
/// decide by itself.
///
/// # Contract
///
/// 1. The answer is the one that was given to this request: `Granted` and `Denied` say by whom.
/// 2. An approver grants nothing by itself: without a person to ask it returns `Unattended`.
/// 3. A request may be dropped at any await, for example because the task is cancelled; the next
///    request is answered nevertheless.
#[async_trait]
pub trait Approver: fmt::Debug + Send + Sync + 'static {
    /// Asks whether a call may be made.
    ///
    /// # Errors
    ///
    /// The approver's own, if it cannot ask.
    async fn ask(&self, task: &Task, call: &Invocation, reason: &str) -> Result<Approval>;
}

/// An approver without a person to ask; the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unattended;

#[async_trait]
impl Approver for Unattended {
    async fn ask(&self, _task: &Task, _call: &Invocation, _reason: &str) -> Result<Approval> {
        Ok(Approval::Unattended)
    }
}
