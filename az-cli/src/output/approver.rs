//! Asks for approval at the terminal.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::approval::{Approval, Approver};
use az_core::policy::ApprovalTerms;
use az_core::task::Task;
use az_core::tool::PreparedCall;
use az_core::{Error, Result};

use super::live::Live;
use super::story::call_in_words;

/// Asks for approval at the terminal; without one, calls stay unattended.
#[derive(Debug)]
pub struct TerminalApprover {
    terminal: Option<Arc<Live>>,
}

impl TerminalApprover {
    /// Creates an approver that asks at this terminal, if there is one.
    pub const fn new(terminal: Option<Arc<Live>>) -> Self {
        Self { terminal }
    }
}

#[async_trait]
impl Approver for TerminalApprover {
    async fn ask(
        &self,
        _task: &Task,
        call: &PreparedCall,
        _terms: &ApprovalTerms,
    ) -> Result<Approval> {
        let call = &call.invocation;
        let Some(terminal) = &self.terminal else { return Ok(Approval::Unattended) };
        // The question shows the whole call: nothing is approved unseen.
        let whole = call_in_words(&call.tool, &call.arguments, usize::MAX);
        let answer = terminal.ask(format!("{whole}\nallow this call?"));
        let answer =
            answer.await.map_err(|_| Error::Internal("the terminal was closed".to_owned()))?;
        let by = "the person at the terminal".to_owned();
        Ok(match answer.as_deref().map(str::trim) {
            None => Approval::Unattended,
            Some("y" | "Y" | "yes" | "Yes") => Approval::granted(by),
            Some(_) => Approval::Denied { by },
        })
    }
}
