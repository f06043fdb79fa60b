//! Converts the journal to the conversation that the model sees.

use az_core::content::ImageContent;
use az_core::journal::{CallRecord, CallState, History, ModelReply, ToolOutcome, Turn};
use az_core::text::Excerpt;
use az_core::tool::OUTPUT_READ;
use az_core::{CallId, Task};

use super::arguments::with_short_arguments;
use super::cut;
use super::decide::is_empty;
use super::loop_guard::{Repeats, repeats};
use super::prompt::{EMPTY_REPLY, Protocol, REPEATING, RESUMED, input};
use super::text_protocol::{self, OBSERVATION};
use crate::chat::{Image, Message, ToolMessage};

/// Options of the conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    pub(super) protocol: Protocol,
    pub(super) detail: Detail,
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

/// Limits on tool results, and on the arguments of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Detail {
    /// The maximum size of any result, in bytes.
    pub(super) longest: usize,
    /// The limits on older results, if they are shortened.
    pub(super) shrunk: Option<OldResultLimit>,
}

/// Limits on older results, and on the arguments of their calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OldResultLimit {
    /// The number of latest turns that are not shortened.
    pub(super) keep_turns: usize,
    /// The maximum size of an older result, and of the arguments of its call, in bytes.
    pub(super) longest: usize,
}

/// Builds the conversation. Deterministic: the same journal gives the same conversation.
pub(super) fn build(system: String, task: &Task, history: &History, view: View) -> Vec<Message> {
    let mut messages = vec![Message::system(system)];
    messages.extend(task.options.input.as_deref().map(|text| Message::user(input(text))));
    messages.push(Message::user(&task.command));
    let summarised = history.summary.as_ref().map_or(0, |summary| summary.turns);
    if let Some(summary) = &history.summary {
        messages.push(Message::Summary {
            turns: summary.turns,
            text: format!("What you did so far, in your own words:\n{}", summary.text),
        });
    }
    let all = history.turns.len();
    messages.extend(turns(history, summarised..all, view));
    messages.extend(between(history, all));
    messages
}

/// Returns the messages of some turns, each with the messages before it.
pub(super) fn turns(history: &History, range: std::ops::Range<usize>, view: View) -> Vec<Message> {
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

fn turn(history: &History, index: usize, view: View) -> Vec<Message> {
    let Some(turn) = history.turns.get(index) else {
        return Vec::new();
    };
    let mut messages = turn_messages(turn, history, index, view);
    if cut::is_cut(&turn.reply) {
        messages.push(Message::user(cut::notice(&turn.reply)));
    }
    messages
}

fn turn_messages(turn: &Turn, history: &History, index: usize, view: View) -> Vec<Message> {
    let reply = &turn.reply;
    if is_empty(reply) && cut::is_cut(reply) {
        return vec![Message::assistant(reply.clone())];
    }
    if is_empty(reply) {
        return vec![Message::assistant(reply.clone()), Message::user(EMPTY_REPLY)];
    }
    let mut results = results(history, index, view);
    let so_far = history.turns.get(..=index).unwrap_or_default();
    let circles = view.repeats == Repeats::Noted && repeats(so_far);
    if let Some(last) = results.last_mut().filter(|_| circles) {
        last.text.push_str("\n\n");
        last.text.push_str(REPEATING);
    }
    let age = history.turns.len() - index;
    let mut reply = with_short_arguments(reply.clone(), view.detail.arguments(age));
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
fn results(history: &History, index: usize, view: View) -> Vec<ToolMessage> {
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
        let age = history.turns.len() - index;
        let text = shorten(text, view.detail.limit(age));
        let omitted = text.omitted;
        let mut shown = text.render();
        if omitted > 0 && view.omissions == Omissions::Readable && call.name != OUTPUT_READ {
            shown.push_str(&format!(
                "\n[{OUTPUT_READ} with the call {:?} reads all of it]",
                id.as_str()
            ));
        }
        let (text, images) = with_images(shown, images, view.images_of(age));
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

impl View {
    /// Returns whether the images of a result that is `age` turns old are sent, or why not.
    fn images_of(self, age: usize) -> Result<(), &'static str> {
        match self.images {
            Images::Named => Err("this model has no image input"),
            Images::Shown if self.detail.is_old(age) => Err("the conversation is too long"),
            Images::Shown => Ok(()),
        }
    }
}

impl Detail {
    /// Returns whether a result is old enough to be shortened.
    fn is_old(self, age: usize) -> bool {
        self.shrunk.is_some_and(|shrunk| age > shrunk.keep_turns)
    }

    /// Returns the maximum size of the arguments of a call that is `age` turns old, in bytes. They are
    /// shortened only with older results, because the model wrote them.
    fn arguments(self, age: usize) -> usize {
        let old = self.shrunk.filter(|shrunk| age > shrunk.keep_turns);
        old.map_or(usize::MAX, |shrunk| shrunk.longest)
    }

    /// Returns the maximum size of a result that is `age` turns old, in bytes.
    fn limit(self, age: usize) -> usize {
        self.arguments(age).min(self.longest)
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
