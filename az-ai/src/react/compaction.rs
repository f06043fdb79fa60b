//! Compaction: the size of a conversation, and the request for a summary.

use az_core::journal::{History, ToolOutcome};
use az_core::text::Excerpt;

use super::loop_guard::Repeats;
use super::options::ReActOptions;
use super::prompt::{Protocol, SUMMARISE};
use super::transcript::{Detail, Images, OldResultLimit, Omissions, View, turns};
use crate::chat::{ChatRequest, Message};
use crate::client::{Capabilities, SHORTEST_REPLY};
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

/// The smallest size to which results of the last turns are shortened, in bytes.
const LEAST_RESULT: usize = 200;

/// The tokens that a request and its reply may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// The tokens at which compaction starts.
    pub(super) compact_at: u64,
    /// The context window.
    pub(super) window: u64,
    /// Whether there are earlier turns that a summary can replace.
    pub(super) can_summarise: bool,
    /// Whether no other candidate has a larger window.
    pub(super) is_largest: bool,
}

/// Builds a request that fits. If necessary, old results and the arguments of their calls are shortened. For the candidate with the
/// largest window, the reply is also limited, to no less than a quarter of the window; and where no turn
/// can be summarised, all results and arguments are shortened as far as necessary, and the reply is limited to what
/// is left.
pub(super) fn fit(
    limits: Limits,
    options: &ReActOptions,
    view: View,
    build: impl Fn(View) -> ChatRequest,
) -> Fitted {
    let shortened = |keep_turns, longest| {
        let shrunk = Some(OldResultLimit { keep_turns, longest });
        build(View { detail: Detail { shrunk, ..view.detail }, ..view })
    };
    let limit = limits.compact_at;
    let quarter = if limits.is_largest { Capabilities::least_reply(limit) } else { u64::MAX };
    let full = with_room(build(view), limit, quarter);
    if full.fit == Fit::Fits {
        return full;
    }
    let old = shortened(options.keep_turns, options.shrunk);
    let old = with_room(old, limit, quarter);
    if old.fit == Fit::Fits || limits.can_summarise || !limits.is_largest {
        return old;
    }
    let halves = std::iter::successors(Some(view.detail.longest / 2), |longest| Some(longest / 2));
    let sizes = halves.take_while(|longest| *longest >= LEAST_RESULT).chain([LEAST_RESULT]);
    let shorter = sizes.map(|longest| with_room(shortened(0, longest), limit, quarter));
    let shortest = || with_room(shortened(0, LEAST_RESULT), limits.window, SHORTEST_REPLY.into());
    let mut fitting = shorter.filter(|fitted| fitted.fit == Fit::Fits);
    fitting.next().unwrap_or_else(shortest)
}

/// Limits the reply of a request to what is left of the limit, but not below `least` tokens.
fn with_room(mut request: ChatRequest, limit: u64, least: u64) -> Fitted {
    let left = limit.saturating_sub(estimate::tokens(&request));
    let asked = request.max_tokens;
    if left < least.min(asked.into()) {
        return Fitted { request, fit: Fit::Overflows };
    }
    request.max_tokens = asked.min(u32::try_from(left).unwrap_or(u32::MAX));
    Fitted { request, fit: Fit::Fits }
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
    let max_tokens = summary_tokens(limit, options);
    let room = limit
        .saturating_sub(u64::from(max_tokens))
        .saturating_sub(estimate::text(SUMMARISE) + 64)
        .saturating_mul(BYTES_PER_TOKEN);
    let excerpt = Excerpt::of(&told_so_far, usize::try_from(room).unwrap_or(usize::MAX));
    let messages = vec![Message::user(format!("{}\n\n{SUMMARISE}", excerpt.render()))];
    ChatRequest::new(model, messages)
        .with_temperature(options.temperature)
        .with_max_tokens(max_tokens)
}

/// Returns the most tokens of a summary: a quarter of a small window.
fn summary_tokens(limit: u64, options: &ReActOptions) -> u32 {
    let quarter = Capabilities::least_reply(limit);
    options.max_tokens.min(u32::try_from(quarter).unwrap_or(u32::MAX))
}

fn tell(message: &Message) -> String {
    match message {
        Message::System { text }
        | Message::User { text, .. }
        | Message::Hint { text }
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
