//! Asking for approval of tool calls.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::sha256_hex;
use crate::error::Result;
use crate::policy::ApprovalTerms;
use crate::task::Task;
use crate::tool::{PreparedCall, Question};

/// The answer to a request for approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    /// The call may be made.
    Granted {
        /// The person or the program that granted it.
        by: String,
        /// What else is granted with the call.
        scope: GrantScope,
    },
    /// The call may not be made.
    Denied {
        /// The person or the program that denied it.
        by: String,
    },
    /// No one can be asked: the task stops, and can be resumed where someone can answer.
    Unattended,
}

/// What an approval grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum GrantScope {
    /// This call.
    #[default]
    Call,
    /// This call and all further calls of the tool by the task, except those that need an approval
    /// of their own.
    Task,
}

impl GrantScope {
    /// Whether this is the approval of a single call.
    pub fn is_call(&self) -> bool {
        *self == Self::Call
    }
}

impl Approval {
    /// Returns an approval of this call alone.
    pub fn granted(by: impl Into<String>) -> Self {
        Self::Granted { by: by.into(), scope: GrantScope::Call }
    }
}

/// The reply to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// The person answered.
    Text {
        /// The person or the program that answered.
        by: String,
        /// The answer.
        text: String,
    },
    /// The person does not answer.
    Declined {
        /// The person or the program that declined.
        by: String,
    },
    /// No one can be asked.
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
/// 4. Without a person to ask, [`is_attended`](Self::is_attended) returns `false`, and
///    [`answer`](Self::answer) returns `Unattended`.
#[async_trait]
pub trait Approver: fmt::Debug + Send + Sync + 'static {
    /// Asks whether a call may be made.
    ///
    /// # Errors
    ///
    /// The approver's own, if it cannot ask.
    async fn ask(
        &self,
        task: &Task,
        call: &PreparedCall,
        terms: &ApprovalTerms,
    ) -> Result<Approval>;

    /// Asks the question of a call; by default no one can be asked.
    ///
    /// # Errors
    ///
    /// The approver's own, if it cannot ask.
    async fn answer(
        &self,
        _task: &Task,
        _call: &PreparedCall,
        _question: &Question,
    ) -> Result<Reply> {
        Ok(Reply::Unattended)
    }

    /// Returns `true` if a person can be asked questions now; by default `false`.
    fn is_attended(&self) -> bool {
        false
    }
}

/// An approver without a person to ask; the default.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unattended;

#[async_trait]
impl Approver for Unattended {
    async fn ask(
        &self,
        _task: &Task,
        _call: &PreparedCall,
        _terms: &ApprovalTerms,
    ) -> Result<Approval> {
        Ok(Approval::Unattended)
    }
}

/// Returns the digest that an approval is bound to: of a tool with its arguments, in hexadecimal digits.
pub fn call_digest(tool: &str, arguments: &Value) -> String {
    sha256_hex(format!("{tool}\n{arguments}"))
}
