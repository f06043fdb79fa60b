//! Compaction: the size of a conversation, and the request for a summary.

use az_core::journal::{History, ToolOutcome};
use az_core::text::Excerpt;

use super::loop_guard::Repeats;
use super::options::ReActOptions;
use super::prompt::{Protocol, SUMMARISE};
use super::transcript::{Detail, Images, OldResultLimit, Omissions, View, turns};
use crate::chat::{ChatRequest, Message};
use crate::estimate;

/// Fewer than three bytes a token are rare; see [`estimate`].
const BYTES_PER_TOKEN: u64 = 3;

/// Whether a conversation fits into the context window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Fits,
    Overflows,
}

/// A conversation, and whether it fits.
#[derive(Debug)]
pub(super) struct Fitted {
    pub(super) request: ChatRequest,
    pub(super) fit: Fit,
}

/// Builds a request that fits, with old results shortened if necessary.
pub(super) fn fit(
    limit: u64,
    options: &ReActOptions,
    view: View,
    build: impl Fn(View) -> ChatRequest,
) -> Fitted {
    let full = build(view);
    if size(&full) <= limit {
        return Fitted { request: full, fit: Fit::Fits };
    }
    let shrunk = OldResultLimit { keep_turns: options.keep_turns, longest: options.shrunk };
    let request = build(View { detail: Detail { shrunk: Some(shrunk), ..view.detail }, ..view });
    let fit = if size(&request) <= limit { Fit::Fits } else { Fit::Overflows };
    Fitted { request, fit }
}

/// Returns the tokens of a request and its longest possible reply.
pub(super) fn size(request: &ChatRequest) -> u64 {
    estimate::tokens(request).saturating_add(u64::from(request.max_tokens))
}

/// Returns the request for a summary of the first turns.
///
/// The conversation is described rather than replayed, because the model should summarise it
/// instead of continuing it.
pub(super) fn summary_request(
    model: &str,
    command: &str,
    history: &History,
    count: usize,
    (limit, options): (u64, &ReActOptions),
) -> ChatRequest {
    let before = history.summary.as_ref();
    let shrunk = OldResultLimit { keep_turns: 0, longest: options.shrunk.saturating_mul(4) };
    let detail = Detail { longest: options.longest_result, shrunk: Some(shrunk) };
    let view = View {
        protocol: Protocol::Native,
        detail,
        repeats: Repeats::Noted,
        images: Images::Named,
        omissions: Omissions::Lost,
    };
    let from = before.map_or(0, |summary| summary.turns);
    let mut told_so_far = format!("The task: {command}\n");
    if let Some(summary) = before {
        told_so_far.push_str(&format!("\nWhat came before: {}\n", summary.text));
    }
    for message in turns(history, from..count, view) {
        told_so_far.push_str(&tell(&message));
    }
    let room = limit
        .saturating_sub(u64::from(options.max_tokens))
        .saturating_sub(estimate::text(SUMMARISE) + 64)
        .saturating_mul(BYTES_PER_TOKEN);
    let excerpt = Excerpt::of(&told_so_far, usize::try_from(room).unwrap_or(usize::MAX));
    let messages = vec![Message::user(format!("{}\n\n{SUMMARISE}", excerpt.render()))];
    ChatRequest::new(model, messages)
        .with_temperature(options.temperature)
        .with_max_tokens(options.max_tokens)
}

fn tell(message: &Message) -> String {
    match message {
        Message::System { text }
        | Message::User { text, .. }
        | Message::Summary { text, .. }
        | Message::Resumed { text } => format!("\n{text}\n"),
        Message::Assistant { reply } => {
            let calls = reply.calls.iter();
            let calls =
                calls.map(|call| format!("\nYou called {} with {}\n", call.name, call.arguments));
            let said = if reply.text.is_empty() {
                String::new()
            } else {
                format!("\nYou said: {}\n", reply.text)
            };
            said + &calls.collect::<String>()
        }
        Message::Tool(result) => {
            let unknown = result.outcome == ToolOutcome::Unknown;
            let verb = if unknown { "did not tell" } else { "returned" };
            format!("\n{} {verb}: {}\n", result.tool, result.told())
        }
    }
}
