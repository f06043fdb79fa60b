//! Who says whether a tool may be called.

use std::fmt;

use async_trait::async_trait;

use crate::error::Result;
use crate::task::Task;
use crate::tool::{Invocation, ToolSpec};

/// What a rule says of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It may be made.
    Allow,
    /// Somebody has to be asked.
    Ask {
        /// Why.
        reason: String,
    },
    /// It may not be made.
    Deny {
        /// Why, for the model.
        reason: String,
    },
}

/// What somebody who was asked said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    /// It may be made.
    Granted {
        /// Who said so.
        by: String,
    },
    /// It may not be made.
    Denied {
        /// Who said so.
        by: String,
    },
    /// Nobody was there to ask.
    Unattended,
}

/// Decides about tool calls.
///
/// # Contract
///
/// 1. [`assess`](Self::assess) is the same for the same call, and asks nobody.
/// 2. [`ask`](Self::ask) never answers `Granted` by itself: without somebody to ask it is
///    `Unattended`.
#[async_trait]
pub trait Approver: fmt::Debug + Send + Sync + 'static {
    /// Says what the rules say.
    fn assess(&self, task: &Task, tool: &ToolSpec, call: &Invocation) -> Verdict;

    /// Asks somebody.
    ///
    /// # Errors
    ///
    /// Whatever kept it from asking.
    async fn ask(&self, task: &Task, call: &Invocation, reason: &str) -> Result<Approval>;
}

/// Lets everything through; for toolboxes that can do no harm.
#[derive(Debug, Clone, Copy, Default)]
pub struct AllowAll;

#[async_trait]
impl Approver for AllowAll {
    fn assess(&self, _task: &Task, _tool: &ToolSpec, _call: &Invocation) -> Verdict {
        Verdict::Allow
    }

    async fn ask(&self, _task: &Task, _call: &Invocation, _reason: &str) -> Result<Approval> {
        Ok(Approval::Unattended)
    }
}
