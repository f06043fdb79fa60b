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
        /// The person or the program that granted it.
        by: String,
    },
    /// The call may not be made.
    Denied {
        /// The person or the program that denied it.
        by: String,
    },
    /// No one can be asked: the task stops, and can be resumed where someone can answer.
    Unattended,
}

/// Asks a person for approval of the calls for which the [`Policy`](crate::policy::Policy) returns
/// `Ask`.
///
/// # Contract
///
/// 1. The answer belongs to this request: `Granted` and `Denied` name who gave it.
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
