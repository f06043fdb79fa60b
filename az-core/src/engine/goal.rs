//! Checked goals: an answer counts only if it fits the output schema of the task, and the checks succeed.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::agent::{Agent, Answer};
use super::run::Run;
use crate::blocking;
use crate::error::{Error, Result};
use crate::id::CallId;
use crate::journal::{CallRecord, CallState, ToolOutcome};
use crate::task::GoalCheck;
use crate::text::plural;
use crate::tool::{Invocation, ToolSpec};

/// The tool that runs the checks.
const SHELL: &str = "shell.execute";
/// The time limit of a check, in seconds: builds and tests take their time.
const TIMEOUT: u32 = 1800;
/// The part of the output of a failed check that the model sees, in bytes. It is the end.
const SHOWN: usize = 4 << 10;
/// The number of failures in a row with the same output after which a task ends.
const ROUNDS: usize = 3;
/// How the names of the calls begin that run checks.
const NAME: &str = "check";

/// Lets an agent work until it has an answer that fits the output schema, and with which all checks of the
/// task succeed.
///
/// # Errors
///
/// The agent's; `AnswerMismatch` for two answers that do not fit; `Agent` if a check cannot be made, or fails again and again with the same output.
pub(super) async fn work_to_goal(agent: &dyn Agent, run: &mut Run) -> Result<Answer> {
    let mut failures: Vec<String> = Vec::new();
    loop {
        let answer = agent.work(run).await?;
        let Some(answer) = run.fitting(answer).await? else { continue };
        let Some(failure) = run.failed_check(failures.len()).await? else {
            run.note_changed_checks().await?;
            return Ok(answer);
        };
        let comparable = without_times(&failure.output);
        let same = failures.iter().rev().take_while(|earlier| **earlier == comparable).count();
        if same + 1 >= ROUNDS {
            return Err(failure.without_progress());
        }
        run.observe(failure.observation()).await?;
        failures.push(comparable);
    }
}

/// A check that did not succeed.
struct FailedCheck {
    command: String,
    /// The end of its output.
    output: String,
}

impl FailedCheck {
    fn observation(&self) -> String {
        format!(
            "The task is not done: the check `{}` does not succeed. It is run again when you say that the task \
             is done. The end of its output:\n{}",
            self.command, self.output
        )
    }

    fn without_progress(&self) -> Error {
        let Self { command, output } = self;
        let reason = format!(
            "the check `{command}` does not succeed, and its output was the same {ROUNDS} times; it ends with: {}",
            output.trim_end()
        );
        Error::Agent { reason }
    }
}

impl Run {
    /// Returns `true` for the call of a check of this task.
    pub(super) fn is_check(&self, call: &CallId, tool: &ToolSpec) -> bool {
        tool.name == SHELL && self.is_check_id(call)
    }

    /// Returns `true` for the id of a check of this task.
    pub(super) fn is_check_id(&self, call: &CallId) -> bool {
        let numbers = call.as_str().strip_prefix("e:").and_then(|name| name.strip_prefix(NAME));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        !self.task.options.until.is_empty()
            && numbers.is_some_and(|numbers| {
                numbers.starts_with('-') && numbers.split('-').all(is_number)
            })
    }

    /// Returns the name of the next call of a check. Each run checks anew, since what a check of an earlier
    /// run saw may have changed; but one that waits for approval, or was approved meanwhile, is continued,
    /// unless the model had another turn since, in which it may have changed what the check runs.
    fn check_name(&self, round: usize, index: usize) -> String {
        let end = format!("-{}-{index}", self.history.turns.len());
        let is_it = |id: &CallId| self.is_check_id(id) && id.as_str().ends_with(&end);
        let calls = self.history.own_calls();
        let mut waiting =
            calls.filter(|(id, record)| record.state == CallState::Waiting && is_it(id));
        let continued = waiting.next().and_then(|(id, _)| id.as_str().strip_prefix("e:"));
        let new = || format!("{NAME}-{}-{round}{end}", self.history.runs);
        continued.map_or_else(new, str::to_owned)
    }

    /// Returns `true` for the call of a check that needs no approval: the user of the task wrote the command,
    /// and what it runs is confined.
    pub(super) fn is_approved_check(&self, tool: &ToolSpec, call: &Invocation) -> bool {
        let command = call.arguments.get("command").and_then(Value::as_str);
        let is_command = |check: &GoalCheck| command == Some(&*check.command);
        self.context.options.checks_are_confined
            && self.is_check(&call.call, tool)
            && self.task.options.until.iter().any(is_command)
    }

    /// Makes the checks of the task one after the other; returns the first that does not succeed.
    async fn failed_check(&mut self, round: usize) -> Result<Option<FailedCheck>> {
        for (index, check) in self.task.options.until.clone().into_iter().enumerate() {
            let name = self.check_name(round, index);
            let arguments = json!({"command": check.command, "timeout": TIMEOUT});
            let record = self.call_tool(&name, SHELL, arguments).await?;
            if let Some(failed) = failure_of(check, record)? {
                return Ok(Some(failed));
            }
        }
        Ok(None)
    }

    /// Records which files of the checks have changed since the task was created.
    async fn note_changed_checks(&mut self) -> Result<()> {
        let (checks, workspace) = (self.task.options.until.clone(), &self.task.options.workspace);
        let Some(workspace) = workspace.as_deref().map(PathBuf::from) else { return Ok(()) };
        if checks.is_empty() {
            return Ok(());
        }
        let changed = move || checks.iter().flat_map(|c| c.changed_files(&workspace)).collect();
        let changed: Vec<String> = blocking::run(changed).await?;
        if changed.is_empty() {
            return Ok(());
        }
        let files = changed.join(", ");
        let number = plural(changed.len(), "file");
        self.note(format!("the checks succeed; {number} of the checks changed meanwhile: {files}"))
            .await
    }
}

/// Returns the failure of a check, if it did not succeed.
///
/// # Errors
///
/// `Agent` if the check was not made: the model cannot change that.
fn failure_of(check: GoalCheck, record: CallRecord) -> Result<Option<FailedCheck>> {
    let CallState::Ended { outcome, text, data, .. } = record.state else {
        return Err(Error::Internal("a check has no result".to_owned()));
    };
    let was_run = data.is_some() || text.omitted > 0;
    match outcome {
        ToolOutcome::Done => Ok(None),
        ToolOutcome::Failed | ToolOutcome::Unknown
            if was_run || outcome == ToolOutcome::Unknown =>
        {
            let output = end_of(&text.render());
            Ok(Some(FailedCheck { command: check.command, output }))
        }
        ToolOutcome::Failed | ToolOutcome::Unknown | ToolOutcome::Refused => {
            let reason = format!("the check `{}` was not made: {}", check.command, text.render());
            Err(Error::Agent { reason })
        }
    }
}

/// Returns the end of an output, from the beginning of a line if it has one.
fn end_of(output: &str) -> String {
    let Some(start) = output.len().checked_sub(SHOWN) else { return output.to_owned() };
    let start = (start..output.len()).find(|index| output.is_char_boundary(*index));
    let end = output.get(start.unwrap_or(output.len())..).unwrap_or_default();
    let end = end.split_once('\n').map_or(end, |(_, lines)| lines);
    format!("[… {} left out …]\n{end}", plural(output.len() - end.len(), "byte"))
}

/// Returns a text without durations, which differ between equal runs of a check.
fn without_times(text: &str) -> String {
    const UNITS: [&str; 14] = [
        "ns", "us", "µs", "ms", "s", "sec", "secs", "second", "seconds", "m", "min", "mins",
        "minute", "minutes",
    ];
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, number) = rest.split_at(start);
        kept.push_str(before);
        let end = number.find(|c: char| !(c.is_ascii_digit() || ".:".contains(c)));
        let (number, after) = number.split_at(end.unwrap_or(number.len()));
        let unit = after.strip_prefix(' ').unwrap_or(after);
        let length = unit.find(|c: char| !c.is_alphabetic()).unwrap_or(unit.len());
        let (unit, after_unit) = unit.split_at(length);
        let is_clock_time = number.matches(':').count() == 2;
        match () {
            () if UNITS.contains(&unit) => rest = after_unit,
            () if is_clock_time => rest = after,
            () => {
                kept.push_str(number);
                rest = after;
            }
        }
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::{SHOWN, end_of, without_times};

    #[test]
    fn the_end_of_an_output_begins_with_a_line() {
        assert_eq!(end_of("one\ntwo"), "one\ntwo");
        let line = "é".repeat(40) + "\n";
        let output = line.repeat(SHOWN / line.len() + 2);
        let end = end_of(&output);
        let (mark, lines) = end.split_once('\n').unwrap();
        assert!(mark.starts_with("[… ") && lines.len() <= SHOWN, "{mark}");
        assert!(lines.lines().all(|kept| kept == line.trim_end()), "{lines}");
    }

    #[test]
    fn durations_and_times_of_day_do_not_count_as_a_change() {
        for (text, kept) in [
            ("ok. 3 passed; 1 failed; finished in 0.02s", "ok. 3 passed; 1 failed; finished in "),
            ("took 12 ms, 4 tests", "took , 4 tests"),
            ("10:04:59 line 7: 5 errors", " line 7: 5 errors"),
            ("1.5 seconds, 3 mice, v1.2", ", 3 mice, v1.2"),
            ("", ""),
        ] {
            assert_eq!(without_times(text), kept, "{text}");
        }
    }
}
