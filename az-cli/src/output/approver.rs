//! Asks the person at the terminal before a tool does what cannot be taken back.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::approval::{Approval, Approver, Verdict};
use az_core::task::Task;
use az_core::tool::{EffectClass, Invocation, ToolSpec};
use az_core::{Error, Result};

use super::live::Live;
use super::story::call_in_words;

/// Lets tools work inside the workspace; asks before those that reach beyond it.
#[derive(Debug)]
pub struct TerminalApprover {
    terminal: Option<Arc<Live>>,
}

impl TerminalApprover {
    /// Returns an approver that asks at a terminal, or finds nobody to ask without one.
    pub const fn new(terminal: Option<Arc<Live>>) -> Self {
        Self { terminal }
    }
}

#[async_trait]
impl Approver for TerminalApprover {
    fn assess(&self, task: &Task, tool: &ToolSpec, _call: &Invocation) -> Verdict {
        let allowed = task.options.allow.contains(&tool.name);
        if allowed || tool.effect != EffectClass::Unsafe {
            return Verdict::Allow;
        }
        Verdict::Ask { reason: "it can change anything that you can".to_owned() }
    }

    async fn ask(&self, _task: &Task, call: &Invocation, _reason: &str) -> Result<Approval> {
        let Some(terminal) = &self.terminal else { return Ok(Approval::Unattended) };
        // All of it: what is left out of the question is approved unseen.
        let whole = call_in_words(&call.tool, &call.arguments, usize::MAX);
        let answer = terminal.ask(format!("{whole}\nallow it?"));
        let answer =
            answer.await.map_err(|_| Error::Internal("the terminal is gone".to_owned()))?;
        let by = "the person at the terminal".to_owned();
        Ok(match answer.as_deref().map(str::trim) {
            None => Approval::Unattended,
            Some("y" | "Y" | "yes" | "Yes") => Approval::Granted { by },
            Some(_) => Approval::Denied { by },
        })
    }
}
