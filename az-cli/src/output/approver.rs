//! Asks for approval at the terminal.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use az_core::approval::{Approval, Approver, GrantScope, Reply};
use az_core::policy::ApprovalTerms;
use az_core::task::Task;
use az_core::tool::{PreparedCall, Question};
use az_core::{Error, Result, blocking};
use az_mcp::policy::Rule;

use super::humanize::printable;
use super::live::Live;
use super::story::call_in_words;
use crate::error::CliError;

/// Writes a rule into the user's configuration; returns the path of the file.
pub(super) type SaveRule = dyn Fn(&Rule) -> std::result::Result<String, CliError> + Send + Sync;

/// Asks for approval at the terminal; without one, calls stay unattended.
#[derive(Clone)]
pub struct TerminalApprover {
    terminal: Option<Arc<Live>>,
    save: Option<Arc<SaveRule>>,
}

impl fmt::Debug for TerminalApprover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TerminalApprover").field("terminal", &self.terminal).finish_non_exhaustive()
    }
}

impl TerminalApprover {
    /// Creates an approver that asks at this terminal, if there is one.
    pub const fn new(terminal: Option<Arc<Live>>) -> Self {
        Self { terminal, save: None }
    }

    /// Returns the approver with the function that keeps an approval as a rule.
    #[must_use]
    pub fn with_rules(mut self, save: Arc<SaveRule>) -> Self {
        self.save = Some(save);
        self
    }

    /// Keeps the approval of a call as a rule, and says where. The call is approved in any case.
    async fn keep(&self, rule: Rule, terminal: &Live) -> Result<()> {
        let Some(save) = self.save.clone() else { return Ok(()) };
        let said = match blocking::run(move || save(&rule)).await? {
            Ok(path) => format!("the rule is in {path}"),
            Err(error) => format!("the rule was not kept: {error}; this call is allowed once"),
        };
        terminal.say(&said);
        Ok(())
    }
}

#[async_trait]
impl Approver for TerminalApprover {
    async fn ask(
        &self,
        _task: &Task,
        call: &PreparedCall,
        terms: &ApprovalTerms,
    ) -> Result<Approval> {
        let Some(terminal) = &self.terminal else { return Ok(Approval::Unattended) };
        let by = "the person at the terminal".to_owned();
        let rule = Rule::allowing(call, "");
        let answer = terminal.ask(question(call, terms, self.save.is_some().then_some(&rule)));
        let answer =
            answer.await.map_err(|_| Error::Internal("the terminal was closed".to_owned()))?;
        let Some(answer) = answer else { return Ok(Approval::Unattended) };
        Ok(match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Approval::granted(by),
            "t" | "task" if !terms.is_per_call => Approval::Granted { by, scope: GrantScope::Task },
            "a" | "always" if self.save.is_some() => {
                self.keep(rule, terminal).await?;
                Approval::granted(by)
            }
            _ => Approval::Denied { by },
        })
    }

    async fn answer(
        &self,
        _task: &Task,
        _call: &PreparedCall,
        question: &Question,
    ) -> Result<Reply> {
        let Some(terminal) = &self.terminal else { return Ok(Reply::Unattended) };
        let by = "the person at the terminal".to_owned();
        let options = match question.options.as_slice() {
            [] => String::new(),
            options => format!("\none of: {}", printable(&options.join(", "))),
        };
        let mut text = format!("{}{options}\nanswer:", printable(&question.text));
        loop {
            let answer = terminal.ask(text).await;
            let answer =
                answer.map_err(|_| Error::Internal("the terminal was closed".to_owned()))?;
            match answer.as_deref().map(str::trim) {
                None => return Ok(Reply::Unattended),
                Some("") => return Ok(Reply::Declined { by }),
                Some(answer) if question.takes(answer) => {
                    return Ok(Reply::Text { by, text: answer.to_owned() });
                }
                Some(_) => text = format!("it is none of the answers{options}\nanswer:"),
            }
        }
    }

    fn is_attended(&self) -> bool {
        self.terminal.is_some()
    }
}

/// Returns the question: the whole call, so that nothing is approved unseen, why it is asked about, and
/// the answers.
fn question(call: &PreparedCall, terms: &ApprovalTerms, always: Option<&Rule>) -> String {
    let invocation = &call.invocation;
    let whole = call_in_words(&invocation.tool, &invocation.arguments, usize::MAX);
    let mut answers = vec!["  y  this call".to_owned()];
    if !terms.is_per_call {
        answers.push(format!("  t  all calls of {} by this task", printable(&invocation.tool)));
    }
    if let Some(rule) = always {
        answers.push(format!("  a  always: {}", printable(&rule.to_string())));
    }
    answers.push("  n  no".to_owned());
    let letters: Vec<_> = answers.iter().filter_map(|answer| answer.trim().get(..1)).collect();
    let (answers, letters) = (answers.join("\n"), letters.join("/"));
    let reason = printable(&terms.reason);
    format!("{whole}\n{reason}; allow this call?\n{answers}\n[{letters}]")
}
