//! Decides the next action from the steps and the results so far.

use std::collections::BTreeSet;

use az_core::journal::ToolOutcome;
use az_core::text::{Excerpt, one_line, plural};
use serde_json::{Value as Json, json};

use super::advice;
use super::client::NAME;
use super::step::{Depth, Hidden, How, Kinds, Listing, Of, Step, Text, Unit};
use super::value::{Value, fits};
use crate::chat::ToolMessage;
use crate::error::{Error, Result};

/// The maximum of a result's bytes in the final reply.
const SHOWN: usize = 4 << 10;

/// The next action.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Next {
    Call { tool: &'static str, arguments: Json },
    Answer(String),
}

/// Checks that every tool is available before the first call.
///
/// # Errors
///
/// [`Error::Unsupported`], which names the first missing tool.
pub(super) fn check_tools(steps: &[Step], offered: &BTreeSet<&str>) -> Result<()> {
    let mut tools = steps.iter().filter_map(|step| Some((step, step.tool()?)));
    match tools.find(|(_, tool)| !offered.contains(tool)) {
        None => Ok(()),
        Some((step, tool)) => Err(Error::Unsupported {
            provider: NAME.to_owned(),
            reason: format!("to {} it needs {tool}, which is not available", say(step)),
        }),
    }
}

/// Returns the next action. The results are those of the steps that call a tool, in order.
///
/// # Errors
///
/// [`Error::Stopped`] when a step failed, or its result cannot be used by the next one.
pub(super) fn next(steps: &[Step], results: &[&ToolMessage]) -> Result<Next> {
    let mut results = results.iter();
    let mut taken: Vec<ExecutedStep<'_>> = Vec::new();
    for (index, step) in steps.iter().enumerate() {
        let place = PlannedStep { step, number: index + 1 };
        let input = place.input(taken.last_mut())?;
        let Some(tool) = step.tool() else {
            taken.push(ExecutedStep::done(step, input));
            continue;
        };
        let Some(result) = results.next() else {
            return Ok(Next::Call { tool, arguments: arguments(step, input.as_ref()) });
        };
        taken.push(place.take(result, input)?);
    }
    Ok(Next::Answer(answer(&taken)))
}

/// An executed step.
struct ExecutedStep<'a> {
    step: &'a Step,
    outcome: ToolOutcome,
    /// Its result, if known.
    value: Option<Value>,
    /// Whether a later step has used the result.
    used: bool,
}

impl<'a> ExecutedStep<'a> {
    const fn done(step: &'a Step, value: Option<Value>) -> Self {
        let outcome = ToolOutcome::Done;
        Self { step, outcome, value, used: false }
    }
}

/// A step and its position in the plan.
#[derive(Clone, Copy)]
struct PlannedStep<'a> {
    step: &'a Step,
    number: usize,
}

impl<'a> PlannedStep<'a> {
    /// Returns the input of the step, from its own text or from the previous step.
    fn input(self, previous: Option<&mut ExecutedStep<'_>>) -> Result<Option<Value>> {
        let input = match self.step {
            Step::Put { text: Text::Literal(text), .. } => Value::whole(text, Unit::Lines),
            Step::Put { text: Text::Previous, .. } => self.previous(previous)?.clone(),
            Step::Put { text: Text::HowMany(unit), .. } => {
                Value::number(self.previous(previous)?.how_many(*unit))
            }
            Step::Count { unit, of: Of::Previous } => {
                Value::number(self.previous(previous)?.how_many(*unit))
            }
            Step::List(_)
            | Step::Read { .. }
            | Step::Count { .. }
            | Step::FindText { .. }
            | Step::FindFiles { .. }
            | Step::Run { .. }
            | Step::Processes { .. }
            | Step::Search { .. } => return Ok(None),
        };
        Ok(Some(input))
    }

    /// Returns the previous step's result, which must be known and complete.
    fn previous<'b>(self, previous: Option<&'b mut ExecutedStep<'_>>) -> Result<&'b Value> {
        let before = self.number - 1;
        let unusable = |why: &str| {
            let now = say(self.step);
            stopped(format!("step {} ({now}) cannot be executed: {why}", self.number))
        };
        let taken = previous.ok_or_else(|| unusable("there is no step before it"))?;
        taken.used = true;
        let value = taken.value.as_ref().ok_or_else(|| {
            unusable(&format!("step {before} was interrupted, and its result is unknown"))
        })?;
        self.whole(value, taken.step)?;
        Ok(value)
    }

    /// Checks that a step's result was not truncated: an excerpt would be taken for the whole.
    fn whole(self, value: &Value, source: &Step) -> Result<()> {
        match value.omitted {
            0 => Ok(()),
            omitted => {
                let advice = advice::instead(self.step, source).map_or_else(
                    || "it is too large".to_owned(),
                    |step| format!("use the shell: {step}"),
                );
                Err(stopped(format!(
                    "step {} ({}) cannot be executed: {} of what it works on {} not \
                     shown; {advice}",
                    self.number,
                    say(self.step),
                    plural(omitted, "byte"),
                    if omitted == 1 { "is" } else { "are" },
                )))
            }
        }
    }

    /// Returns the result of the step.
    fn take(self, result: &ToolMessage, input: Option<Value>) -> Result<ExecutedStep<'a>> {
        let value = match result.outcome {
            ToolOutcome::Done => self.value(result, input).map(Some)?,
            // The text to write is known, whether or not it was written.
            ToolOutcome::Unknown => input,
            ToolOutcome::Failed | ToolOutcome::Refused => {
                let lines: Vec<&str> = result.text.lines().collect();
                let why = one_line(&lines.join("; "), 300);
                let what = say(self.step);
                return Err(stopped(format!("step {} ({what}) failed: {why}", self.number)));
            }
        };
        let outcome = result.outcome;
        Ok(ExecutedStep { step: self.step, outcome, value, used: false })
    }

    fn value(self, result: &ToolMessage, input: Option<Value>) -> Result<Value> {
        let counted = |value: Value, unit: &Option<Unit>| {
            self.whole(&value, self.step)?;
            Ok(Value::number(value.how_many(*unit)))
        };
        match self.step {
            Step::List(Listing { kinds: Kinds::Directories, .. }) => {
                self.whole(&Value::listing(result), self.step)?;
                Ok(Value::directories(result))
            }
            Step::List(_) => Ok(Value::listing(result)),
            Step::Count { unit, of: Of::Directory(_) } => counted(Value::listing(result), unit),
            Step::Count { unit, .. } => counted(Value::returned(result), unit),
            Step::FindFiles { glob, path } => {
                self.whole(&Value::listing(result), self.step)?;
                let files = Value::files(result).into_iter();
                let found = files.filter(|file| fits(glob, file)).map(|file| within(path, file));
                Ok(Value::whole(found.collect::<Vec<_>>().join("\n"), Unit::Files))
            }
            Step::Run { .. } | Step::FindText { .. } => Ok(Value::printed(result)),
            Step::Put { .. } => Ok(input.unwrap_or_else(|| Value::returned(result))),
            Step::Read { .. } | Step::Processes { .. } | Step::Search { .. } => {
                Ok(Value::returned(result))
            }
        }
    }
}

const fn stopped(reason: String) -> Error {
    Error::Stopped { reason }
}

/// Returns the path of an entry relative to the workspace, not to the listed directory.
fn within(directory: &str, entry: &str) -> String {
    match directory.trim_end_matches('/') {
        "." | "" => entry.to_owned(),
        directory => format!("{directory}/{entry}"),
    }
}

/// Returns the arguments of a step's call.
fn arguments(step: &Step, input: Option<&Value>) -> Json {
    let list = |listing: &Listing| {
        json!({
            "path": listing.path,
            "recursive": listing.depth == Depth::Recursive,
            "include_hidden": listing.hidden == Hidden::Included,
        })
    };
    match step {
        Step::List(listing) | Step::Count { of: Of::Directory(listing), .. } => list(listing),
        Step::FindFiles { path, .. } => {
            let depth = Depth::Recursive;
            list(&Listing { depth, ..Listing::of(path) })
        }
        Step::Read { path } | Step::Count { of: Of::File(path), .. } => json!({"path": path}),
        Step::Put { path, how, .. } => json!({
            "path": path,
            "content": input.map(|input| input.text.as_str()).unwrap_or_default(),
            "append": *how == How::Append,
        }),
        Step::FindText { text, path } => json!({"command": grep(text, path)}),
        Step::Run { command } => json!({"command": command}),
        Step::Processes { filter: Some(filter) } => json!({"filter": filter}),
        Step::Search { query, collection: Some(collection) } => {
            json!({"query": query, "collection": collection})
        }
        Step::Search { query, collection: None } => json!({"query": query}),
        Step::Processes { filter: None } | Step::Count { of: Of::Previous, .. } => json!({}),
    }
}

/// Returns a command that prints the lines with a text. No match is not a failure.
pub(super) fn grep(text: &str, path: &str) -> String {
    let (text, path) = (shell_quote(text), shell_quote(path));
    format!("grep -rnIF --exclude-dir='.[!.]*' -e {text} -- {path} || test $? -eq 1")
}

pub(super) fn shell_quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Describes a step, in words that can follow "to".
fn say(step: &Step) -> String {
    let list = |what: &str, listing: &Listing| {
        let depth = match listing.depth {
            Depth::Flat => "",
            Depth::Recursive => " recursively",
        };
        format!("{what} in {}{depth}", listing.path)
    };
    let unit = |unit: &Option<Unit>| unit.map_or("what there is", Unit::many);
    match step {
        Step::List(listing) => match listing.kinds {
            Kinds::All => list("list the files", listing),
            Kinds::Directories => list("list the directories", listing),
        },
        Step::Read { path } => format!("read {path}"),
        Step::Put { path, how: How::Write, .. } => format!("write {path}"),
        Step::Put { path, how: How::Append, .. } => format!("append to {path}"),
        Step::Count { unit: u, of: Of::File(path) } => format!("count the {} in {path}", unit(u)),
        Step::Count { unit: u, of: Of::Directory(listing) } => {
            list(&format!("count the {}", unit(u)), listing)
        }
        Step::Count { unit: Some(u), of: Of::Previous } => format!("count the {}", u.many()),
        Step::Count { unit: None, of: Of::Previous } => "count them".to_owned(),
        Step::FindText { text, path } => format!("find {:?} in {path}", one_line(text, 40)),
        Step::FindFiles { glob, path } => format!("find files named {glob} in {path}"),
        Step::Run { command } => format!("run `{}`", one_line(command, 60)),
        Step::Processes { filter: Some(name) } => format!("show processes named {name}"),
        Step::Processes { filter: None } => "show processes".to_owned(),
        Step::Search { query, .. } => format!("search for {:?}", one_line(query, 40)),
    }
}

/// Describes the executed steps, and shows results that no later step has used.
fn answer(taken: &[ExecutedStep<'_>]) -> String {
    let mut lines = Vec::new();
    let mut shown = Vec::new();
    for (index, taken) in taken.iter().enumerate() {
        let number = index + 1;
        let came_to = match (taken.outcome, &taken.value) {
            (ToolOutcome::Unknown, _) => {
                "interrupted, outcome unknown: verify before repeating it".to_owned()
            }
            (_, Some(value)) => value.say(),
            (_, None) => "done".to_owned(),
        };
        lines.push(format!("{number}. {}: {came_to}", say(taken.step)));
        let silent = matches!(taken.step, Step::Put { .. } | Step::Count { .. });
        if let (Some(value), false, false) = (&taken.value, taken.used, silent) {
            let text = Excerpt::of(value.text.trim_end(), SHOWN).render();
            if !text.is_empty() {
                shown.push(format!("{number}. {}\n{text}", say(taken.step)));
            }
        }
    }
    let alone = shown.len() == 1;
    for text in shown {
        let text = if alone {
            text.split_once('\n').map(|(_, text)| text.to_owned()).unwrap_or_default()
        } else {
            text
        };
        lines.push(String::new());
        lines.push(text);
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests;
