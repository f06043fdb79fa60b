//! An approver with scripted answers.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use crate::approval::{Approval, Approver};
use crate::error::Result;
use crate::policy::ApprovalTerms;
use crate::task::Task;
use crate::tool::PreparedCall;

/// An approver with scripted answers; once they are used up, no one can be asked.
///
/// A clone uses the same script.
#[derive(Debug, Clone, Default)]
pub struct FakeApprover(Arc<Mutex<Script>>);

#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<Approval>,
    asked: Vec<String>,
}

impl FakeApprover {
    /// Creates an approver that grants and denies in this order.
    pub fn new(granted: impl IntoIterator<Item = bool>) -> Self {
        let by = || "tester".to_owned();
        let answers = granted.into_iter().map(|granted| match granted {
            true => Approval::granted(by()),
            false => Approval::Denied { by: by() },
        });
        let script = Script { answers: answers.collect(), asked: Vec::new() };
        Self(Arc::new(Mutex::new(script)))
    }

    /// Returns the tools that approval was asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.script().asked.clone()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Approver for FakeApprover {
    async fn ask(
        &self,
        _task: &Task,
        call: &PreparedCall,
        _terms: &ApprovalTerms,
    ) -> Result<Approval> {
        let mut script = self.script();
        script.asked.push(call.invocation.tool.clone());
        Ok(script.answers.pop_front().unwrap_or(Approval::Unattended))
    }
}
