//! The record as a conversation: what the model is shown of it.

use az_core::journal::{CallState, History, ModelReply, ToolOutcome};
use az_core::text::Excerpt;
use az_core::{CallId, Task};

use super::loop_guard::repeats;
use super::prompt::{EMPTY_REPLY, Protocol, REPEATING};
use super::text_protocol::{self, OBSERVATION};
use crate::chat::{Message, ToolMessage};

/// How much of the record is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// All that the record keeps of it.
    Full,
    /// What tools returned before the last turns is shortened.
    Shrunk {
        /// How many turns are shown in full.
        keep_turns: usize,
        /// How much of a result is shown before those, in bytes.
        shrunk: usize,
    },
}

/// Builds the conversation; the same record gives the same conversation.
pub(super) fn build(
    system: String,
    task: &Task,
    history: &History,
    protocol: Protocol,
    detail: Detail,
) -> Vec<Message> {
    let mut messages = vec![Message::system(system), Message::user(&task.command)];
    let summarised = history.summary.as_ref().map_or(0, |summary| summary.turns);
    if let Some(summary) = &history.summary {
        messages.push(Message::Summary {
            turns: summary.turns,
            text: format!("What you did so far, in your own words:\n{}", summary.text),
        });
    }
    for index in summarised..history.turns.len() {
        messages.extend(turn(history, index, protocol, detail));
    }
    messages
}

/// Returns the messages of the turns from `from` on, in full detail or not.
pub(super) fn turns(
    history: &History,
    range: std::ops::Range<usize>,
    protocol: Protocol,
    detail: Detail,
) -> Vec<Message> {
    range.flat_map(|index| turn(history, index, protocol, detail)).collect()
}

/// Returns what the model is told of a call; nothing while it has no result.
pub(super) fn observation(history: &History, id: &CallId) -> Option<Excerpt> {
    match &history.call(id)?.state {
        CallState::Ended { text, .. } => Some(text.clone()),
        CallState::Waiting | CallState::Begun { .. } => None,
    }
}

fn turn(history: &History, index: usize, protocol: Protocol, detail: Detail) -> Vec<Message> {
    let Some(turn) = history.turns.get(index) else {
        return Vec::new();
    };
    let reply = &turn.reply;
    if reply.calls.is_empty() && reply.text.trim().is_empty() {
        return vec![Message::assistant(reply.clone()), Message::user(EMPTY_REPLY)];
    }
    let mut results = results(history, index, detail);
    let so_far = history.turns.get(..=index).unwrap_or_default();
    if let Some(last) = results.last_mut().filter(|_| repeats(so_far)) {
        last.text.push_str("\n\n");
        last.text.push_str(REPEATING);
    }
    match protocol {
        Protocol::Native => {
            let mut reply = reply.clone();
            for (call, result) in reply.calls.iter_mut().zip(&results) {
                call.id.clone_from(&result.call_id);
            }
            let mut messages = vec![Message::assistant(reply)];
            messages.extend(results.into_iter().map(Message::Tool));
            messages
        }
        Protocol::Text => {
            let said = ModelReply::text(text_protocol::render(reply));
            let mut messages = vec![Message::assistant(said)];
            if !results.is_empty() {
                let texts = results.iter().map(|result| format!("{OBSERVATION} {}", result.told()));
                messages.push(Message::user(texts.collect::<Vec<_>>().join("\n")));
            }
            messages
        }
    }
}

/// Returns the results of a turn's calls, one for each, under ids that are there and differ.
fn results(history: &History, index: usize, detail: Detail) -> Vec<ToolMessage> {
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
        let (outcome, text, data) = match state {
            Some(CallState::Ended { outcome, text, data }) => {
                (*outcome, text.clone(), data.clone())
            }
            Some(CallState::Waiting | CallState::Begun { .. }) | None => {
                (ToolOutcome::Unknown, Excerpt::of("it has no result yet", usize::MAX), None)
            }
        };
        let text = shorten(text, history.turns.len() - index, detail);
        results.push(ToolMessage {
            call_id,
            tool: call.name.clone(),
            outcome,
            text: text.render(),
            omitted: text.omitted,
            data,
        });
    }
    results
}

/// Shortens a result that is `age` turns old.
fn shorten(text: Excerpt, age: usize, detail: Detail) -> Excerpt {
    match detail {
        Detail::Shrunk { keep_turns, shrunk } if age > keep_turns && text.len() > shrunk => {
            let kept = text.len();
            let mut short = Excerpt::of(&(text.head + &text.tail), shrunk);
            short.omitted = text.omitted + kept - short.len();
            short
        }
        Detail::Full | Detail::Shrunk { .. } => text,
    }
}
