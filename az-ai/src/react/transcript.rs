//! Converts the journal to the conversation that the model sees.

use std::ops::Range;

use az_core::content::ImageContent;
use az_core::journal::{CallRecord, CallState, ContextCut, History, ModelReply, ToolOutcome, Turn};
use az_core::task::Said;
use az_core::text::Excerpt;
use az_core::tool::OUTPUT_READ;
use az_core::{CallId, Task};

use super::arguments::with_short_arguments;
use super::cut;
use super::decide::is_empty;
use super::loop_guard::{Repeats, repeats};
use super::prompt::{EMPTY_REPLY, FORKED, Protocol, REPEATING, RESUMED, input};
use super::result_limits::ResultLimits;
use super::text_protocol::{self, OBSERVATION};
use crate::chat::{Image, Message, ToolMessage};

/// Options of the conversion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct View<'a> {
    pub(super) protocol: Protocol,
    /// The most of a result that the model sees.
    pub(super) limits: ResultLimits,
    /// The provider and the model, whose cuts apply.
    pub(super) model: (&'a str, &'a str),
    /// A cut that is not recorded yet.
    pub(super) planned: Option<&'a ContextCut>,
    pub(super) repeats: Repeats,
    pub(super) images: Images,
    pub(super) omissions: Omissions,
}

/// Whether the model can read what is left out of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Omissions {
    /// With the tool `output.read`.
    Readable,
    Lost,
}

/// Whether the images that tools return are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Images {
    Shown,
    /// Each is replaced by a line of text.
    Named,
}

/// Builds the conversation. Deterministic: the same journal gives the same conversation.
pub(super) fn build(
    system: String,
    task: &Task,
    history: &History,
    view: View<'_>,
) -> Vec<Message> {
    let mut messages = vec![Message::system(system)];
    let summarised = history.summary.as_ref().map_or(0, |summary| summary.turns);
    // No summary replaces what the user said.
    messages.extend(said(task, 0..summarised));
    if let Some(summary) = &history.summary {
        messages.push(Message::Summary {
            turns: summary.turns,
            text: format!("What you did so far, in your own words:\n{}", summary.text),
        });
    }
    let all = history.turns.len();
    for index in summarised..all {
        messages.extend(beginning(task, history, index));
        messages.extend(turns(history, index..index + 1, view));
    }
    messages.extend(beginning(task, history, all));
    messages.extend(between(history, all));
    messages
}

/// Returns what the user said after this number of turns, and before it a note if a copy of a part of another
/// task ends there. The first command stays the first message.
fn beginning(task: &Task, history: &History, turns: usize) -> Vec<Message> {
    let mut messages: Vec<_> = said(task, turns..turns + 1).collect();
    if history.forked_after.contains(&turns) {
        let at = if turns == 0 { messages.len() } else { 0 };
        messages.insert(at, Message::Resumed { text: FORKED.to_owned() });
    }
    messages
}

/// Returns the messages with what the user said after these numbers of turns.
fn said(task: &Task, after: Range<usize>) -> impl Iterator<Item = Message> {
    let said = task.said().filter(move |said| after.contains(&said.after));
    said.flat_map(|said| {
        let input = said.input.as_deref().map(|text| Message::user(input(text)));
        input.into_iter().chain([command(said)])
    })
}

/// Returns the message with a command and its images.
fn command(said: Said) -> Message {
    let Said { mut text, images, note, .. } = said;
    if !images.is_empty() {
        let names: Vec<&str> = images.iter().map(|image| image.name.as_str()).collect();
        text.push_str(&format!("\n\n[The images, in this order: {}]", names.join(", ")));
    }
    if let Some(note) = note {
        text.push_str("\n\n");
        text.push_str(&note);
    }
    let images = images.iter().map(|image| image.content.clone().into()).collect();
    Message::user_with_images(text, images)
}

/// Returns the messages of some turns, each with the messages before it.
pub(super) fn turns(history: &History, range: Range<usize>, view: View<'_>) -> Vec<Message> {
    range
        .flat_map(|index| between(history, index).into_iter().chain(turn(history, index, view)))
        .collect()
}

/// Returns what the model sees of a call as text; `None` while the call has no result.
pub(super) fn observation(call: &CallRecord, longest: usize) -> Option<String> {
    match &call.state {
        CallState::Ended { text, images, .. } => {
            let text = shorten(text.clone(), longest).render();
            Some(with_images(text, images, Err("an observation is text")).0)
        }
        CallState::Waiting | CallState::Begun { .. } => None,
    }
}

/// Returns the observations after this number of turns, with a note if the task was resumed there.
fn between(history: &History, turns: usize) -> Vec<Message> {
    let observations = history.observations_after(turns);
    let observations = observations.map(|made| match (made.is_hint, made.is_announcement) {
        (true, _) => Message::Hint { text: made.text.clone() },
        (false, true) => Message::user(&made.text),
        (false, false) => Message::user(format!("{OBSERVATION} {}", made.text)),
    });
    observations.chain(resumed(history, turns)).collect()
}

/// Returns a note if the task was resumed after this number of turns, however often.
fn resumed(history: &History, turns: usize) -> Option<Message> {
    let again = turns > 0 && history.resumed_after.contains(&turns);
    again.then(|| Message::Resumed { text: RESUMED.to_owned() })
}

fn turn(history: &History, index: usize, view: View<'_>) -> Vec<Message> {
    let Some(turn) = history.turns.get(index) else {
        return Vec::new();
    };
    let mut messages = turn_messages(turn, history, index, view);
    if cut::is_cut(&turn.reply) {
        messages.push(Message::user(cut::notice(&turn.reply)));
    }
    messages
}

fn turn_messages(turn: &Turn, history: &History, index: usize, view: View<'_>) -> Vec<Message> {
    let reply = &turn.reply;
    if is_empty(reply) && cut::is_cut(reply) {
        return vec![Message::assistant(reply.clone())];
    }
    if is_empty(reply) {
        return vec![Message::assistant(reply.clone()), Message::user(EMPTY_REPLY)];
    }
    let mut results = results(history, index, view);
    let circles = view.repeats == Repeats::Noted && repeats(history, index + 1);
    if let Some(last) = results.last_mut().filter(|_| circles) {
        last.text.push_str("\n\n");
        last.text.push_str(REPEATING);
    }
    let longest = |place| view.cut(history, (index, place)).unwrap_or(usize::MAX);
    let mut reply = with_short_arguments(reply.clone(), longest);
    match view.protocol {
        Protocol::Native => {
            for (call, result) in reply.calls.iter_mut().zip(&results) {
                call.id.clone_from(&result.call_id);
            }
            let mut messages = vec![Message::assistant(reply)];
            messages.extend(results.into_iter().map(Message::Tool));
            messages
        }
        Protocol::Text => {
            let said = ModelReply::text(text_protocol::render(&reply));
            let mut messages = vec![Message::assistant(said)];
            if !results.is_empty() {
                let texts = results.iter().map(|result| format!("{OBSERVATION} {}", result.told()));
                messages.push(Message::user(texts.collect::<Vec<_>>().join("\n")));
            }
            messages
        }
    }
}

/// Returns the results of a turn's calls, one for each, with ids that are present and unique.
pub(super) fn results(history: &History, index: usize, view: View<'_>) -> Vec<ToolMessage> {
    let Some(turn) = history.turns.get(index) else {
        return Vec::new();
    };
    let calls = &turn.reply.calls;
    let mut results: Vec<ToolMessage> = Vec::with_capacity(calls.len());
    for (place, call) in calls.iter().enumerate() {
        let id = CallId::tool(index, place);
        let taken = results.iter().any(|result| result.call_id == call.id);
        let call_id = if call.id.is_empty() || taken {
            format!("call_{index}_{place}")
        } else {
            call.id.clone()
        };
        let state = history.call(&id).map(|record| &record.state);
        let no_result = Excerpt::of("it has no result yet", usize::MAX);
        let (outcome, text, images, data) = match state {
            Some(CallState::Ended { outcome, text, images, data }) => {
                (*outcome, text.clone(), images.as_slice(), data.clone())
            }
            Some(CallState::Waiting | CallState::Begun { .. }) | None => {
                (ToolOutcome::Unknown, no_result, &[][..], None)
            }
        };
        let cut = view.cut(history, (index, place));
        let text = shorten(text, view.limits.of(&call.name).min(cut.unwrap_or(usize::MAX)));
        let omitted = text.omitted;
        let mut shown = text.render();
        if omitted > 0 && view.omissions == Omissions::Readable && call.name != OUTPUT_READ {
            shown.push_str(&format!(
                "\n[{OUTPUT_READ} with the call {:?} reads all of it]",
                id.as_str()
            ));
        }
        let (text, images) = with_images(shown, images, view.images_of(cut));
        let tool = call.name.clone();
        results.push(ToolMessage { call_id, tool, outcome, text, omitted, images, data });
    }
    results
}

/// Adds the images of a result, or a line for each omitted one.
fn with_images(
    mut text: String,
    images: &[ImageContent],
    shown: Result<(), &str>,
) -> (String, Vec<Image>) {
    let Err(why) = shown else {
        return (text, images.iter().cloned().map(Image::from).collect());
    };
    for image in images {
        if !text.is_empty() {
            text.push('\n');
        }
        let described = image.describe();
        let described = described.trim_end_matches(']');
        text.push_str(&format!("{described}: not shown, {why}]"));
    }
    (text, Vec::new())
}

impl View<'_> {
    /// Returns the size to which a result is cut, and the arguments of its call; `None` if it is not cut.
    fn cut(self, history: &History, place: (usize, usize)) -> Option<usize> {
        let planned = self.planned.filter(|cut| cut.covers(place)).map(|cut| cut.to_bytes);
        let recorded = history.context.cut_of(self.model, place);
        planned.into_iter().chain(recorded).min()
    }

    /// Returns whether the images of a result are sent, or why not.
    fn images_of(self, cut: Option<usize>) -> Result<(), &'static str> {
        match (self.images, cut) {
            (Images::Named, _) => Err("this model has no image input"),
            (Images::Shown, Some(_)) => Err("the conversation is too long"),
            (Images::Shown, None) => Ok(()),
        }
    }
}

/// Shortens the stored excerpt of a result.
fn shorten(text: Excerpt, longest: usize) -> Excerpt {
    let kept = text.len();
    if kept <= longest {
        return text;
    }
    let mut short = Excerpt::of(&(text.head + &text.tail), longest);
    short.omitted = text.omitted + kept - short.len();
    short
}
