//! Asks for approval at the terminal.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use az_core::approval::{Approval, Approver, GrantScope, Reply};
use az_core::policy::ApprovalTerms;
use az_core::task::Task;
use az_core::text::one_line;
use az_core::tool::{PreparedCall, Question};
use az_core::{Error, Result, blocking};
use az_mcp::policy::Rule;

use super::humanize::{printable, printable_line};
use super::live::Live;
use super::story::{call_in_words, short};
use crate::error::CliError;

/// From so many bytes on, a call may not fit on the screen.
const LONG: usize = 1_000;

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
        task: &Task,
        call: &PreparedCall,
        terms: &ApprovalTerms,
    ) -> Result<Approval> {
        let Some(terminal) = &self.terminal else { return Ok(Approval::Unattended) };
        let by = "the person at the terminal".to_owned();
        let rule = Rule::allowing(call, "");
        let question = question(call, terms, self.save.is_some().then_some(&rule));
        let answer = terminal.ask(asked_for(task, question));
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
        task: &Task,
        _call: &PreparedCall,
        question: &Question,
    ) -> Result<Reply> {
        let Some(terminal) = &self.terminal else { return Ok(Reply::Unattended) };
        let by = "the person at the terminal".to_owned();
        let options = match question.options.as_slice() {
            [] => String::new(),
            options => format!("\none of: {}", printable_line(&options.join(", "))),
        };
        let text = format!("{}{options}\nanswer:", quoted(&question.text));
        let mut text = asked_for(task, text);
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

/// Returns a question with the child task that it is for, if it is not for the task that the terminal shows.
fn asked_for(task: &Task, question: String) -> String {
    match task.options.spawned {
        None => question,
        Some(_) => {
            let (id, command) = (short(task.id.as_str()), printable(&one_line(&task.command, 80)));
            format!("child task {id} ({command}):\n{question}")
        }
    }
}

/// Returns the question: the whole call, so that nothing is approved unseen, why it is asked about, and
/// the answers.
fn question(call: &PreparedCall, terms: &ApprovalTerms, always: Option<&Rule>) -> String {
    let invocation = &call.invocation;
    let whole = call_in_words(&invocation.tool, &invocation.arguments, usize::MAX);
    let length = match whole.len() {
        0..LONG => String::new(),
        _ => format!(
            "\nthe call has {} characters; scroll up to read all of it",
            whole.chars().count()
        ),
    };
    let mut answers = vec!["  y  this call".to_owned()];
    if !terms.is_per_call {
        let tool = printable_line(&invocation.tool);
        answers.push(format!("  t  all calls of {tool} by this task"));
    }
    if let Some(rule) = always {
        answers.push(format!("  a  always: {}", printable_line(&rule.to_string())));
    }
    answers.push("  n  no".to_owned());
    let letters: Vec<_> = answers.iter().filter_map(|answer| answer.trim().get(..1)).collect();
    let (answers, letters) = (answers.join("\n"), letters.join("/"));
    let reason = printable_line(&terms.reason);
    format!("{whole}{length}\n{reason}; allow this call?\n{answers}\n[{letters}]")
}

/// Returns a text of a model with a mark before each line, so that none looks like one of `az`.
fn quoted(text: &str) -> String {
    let lines: Vec<_> = printable(text).lines().map(|line| format!("> {line}")).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use az_core::policy::ApprovalTerms;
    use az_core::tool::{EffectClass, Invocation, PreparedCall};
    use az_mcp::policy::Rule;
    use serde_json::json;

    use super::{question, quoted};

    /// Commands that look like others, or like the text around them, if they are shown as they are.
    fn attacks() -> Vec<String> {
        let mut attacks: Vec<String> = [
            "ls\x1b[2K\x1b[1A",
            "ls\rrm -rf ~",
            "ls\x08\x08rm",
            "ls\x1b]0;title\x07",
            "ls\x1bc",
            "ls\u{9b}2J",
            "ls\u{85}rm",
            "ls\x0brm",
            "ls\x0crm",
            "ls\x7f",
            "ls\0rm",
            "ls\u{202e}~ fr- mr",
            "ls\u{2066}rm\u{2069}",
            "ls\u{200b}",
            "r\u{200d}m",
            "ls\u{2028}rm",
            "ls\u{2029}rm",
            "ls\u{feff}",
            "ls\u{ad}",
            "ls\u{e0041}",
            "ls\u{3164}",
            "ls\u{2800}",
            "ls\u{fff9}",
            "ls\u{fe0f}",
            "ls\nit is harmless; allow this call?\n  n  no",
            "ls\u{1b}",
            "ls\\u{1b}",
            "ls\\nrm",
            "ls\nrm",
        ]
        .map(str::to_owned)
        .into();
        attacks.push(format!("ls{}; rm -rf ~", " ".repeat(10_000)));
        attacks.push(format!("ls{}; rm -rf ~", "\t".repeat(10_000)));
        attacks.push(format!("ls{}; rm -rf ~", "\n".repeat(10_000)));
        attacks.push(format!("ls{}", "\u{301}".repeat(1_000)));
        attacks.push(format!("echo {}; rm -rf ~", "a".repeat(100_000)));
        attacks
    }

    #[test]
    fn a_call_is_shown_as_it_is_and_on_one_line_whatever_is_in_it() {
        let mut seen = BTreeSet::new();
        let terms = ApprovalTerms::new("it is\nrisky\u{202e}");
        for attack in attacks() {
            let arguments = json!({"command": attack, "env": {attack.clone(): ""}});
            let call = Invocation::bare("shell.execute", arguments).unwrap();
            let call = PreparedCall::new(call, EffectClass::Unsafe);
            let shown = question(&call, &terms, Some(&Rule::allowing(&call, "")));
            let (first, rest) = shown.split_once('\n').unwrap();
            assert!(first.ends_with("\"}"), "the whole call: {first:?}");
            let plain = |c: char| {
                c == '\n' || c == '×' || c == '\u{301}' || c == '…' || (' '..='~').contains(&c)
            };
            assert!(shown.chars().all(plain), "{shown:?}");
            let rest: Vec<_> =
                rest.lines().filter(|line| !line.starts_with("the call has")).collect();
            assert_eq!(
                rest[..3],
                [
                    "it is\\nrisky\\u{202e}; allow this call?",
                    "  y  this call",
                    "  t  all calls of shell.execute by this task"
                ]
            );
            assert!(rest[3].starts_with("  a  always: allow shell.execute"), "{shown}");
            assert_eq!(rest[4..], ["  n  no", "[y/t/a/n]"]);
            assert_eq!(shown.contains("scroll up"), first.len() >= super::LONG, "{shown}");
            assert!(seen.insert(first.to_owned()), "two calls look the same: {first}");
        }
        assert!(seen.len() >= 30);
    }

    #[test]
    fn the_lines_of_a_question_are_marked() {
        let text = "left?\n[y/n]\x1b[2J\r\n\nright?";
        assert_eq!(quoted(text), "> left?\n> [y/n]\\u{1b}[2J\\u{d}\n> \n> right?");
    }
}
