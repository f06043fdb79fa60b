//! Compaction: the size of a conversation, and the request for a summary.

use az_core::journal::{ContextCut, History, ToolOutcome};
use az_core::text::Excerpt;

use super::context_cut::plan;
use super::loop_guard::Repeats;
use super::measure::Measure;
use super::options::ReActOptions;
use super::prompt::{Protocol, SUMMARISE};
use super::transcript::{Images, Omissions, View, turns};
use crate::chat::{ChatRequest, Message};
use crate::client::{Capabilities, SHORTEST_REPLY};
use crate::estimate;

/// Whether a conversation fits into the context window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    Fits,
    Overflows,
}

/// A request, and whether it fits.
#[derive(Debug)]
pub(super) struct Fitted {
    pub(super) request: ChatRequest,
    pub(super) fit: Fit,
    /// The cut that was made for it and is not recorded yet.
    pub(super) cut: Option<ContextCut>,
}

/// The most of a result that the fold keeps, in bytes.
const LARGEST_RESULT: usize = 64 << 10;

/// The smallest size to which results of the last turns are cut, in bytes.
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
    /// Whether the provider's cache has probably expired, so that a cut costs nothing.
    pub(super) is_cold: bool,
    /// Measures requests to the model.
    pub(super) measure: Measure,
}

/// Builds a request that fits. If it does not fit as it is, or the cache is cold and the request large,
/// old results and the arguments of their calls are cut. For the candidate with the largest window, the
/// reply is also limited, to no less than a quarter of the window; and where no turn can be summarised,
/// all results and arguments are cut as far as necessary, and the reply is limited to what is left.
pub(super) fn fit(
    limits: Limits,
    options: &ReActOptions,
    (history, view): (&History, View<'_>),
    build: impl Fn(View<'_>) -> ChatRequest,
) -> Fitted {
    let (limit, measure) = (limits.compact_at, limits.measure);
    let quarter = if limits.is_largest { Capabilities::least_reply(limit) } else { u64::MAX };
    let whole = build(view);
    let tokens = measure.tokens(&whole);
    let estimated = estimate::tokens(&whole);
    let full = with_room(whole, measure, limit, quarter);
    if full.fit == Fit::Fits && !limits.is_cold {
        return full;
    }
    let build_cut = |cut: ContextCut, limit, least| {
        let request = build(View { planned: Some(&cut), ..view });
        let after = measure.tokens(&request);
        let fitted = with_room(request, measure, limit, least);
        // There may be nothing to cut.
        Fitted { cut: (after < tokens).then(|| cut.with_tokens(tokens, after)), ..fitted }
    };
    let target = limits.window / 2;
    let sizes = (estimated, measure.estimate_of(target));
    let old = plan(history, view, sizes, (options.keep_turns, options.shrunk));
    let old = old.filter(|_| tokens > target).map(|cut| build_cut(cut, limit, quarter));
    match old {
        Some(old) if old.fit == Fit::Fits => return old,
        _ if full.fit == Fit::Fits || limits.can_summarise || !limits.is_largest => return full,
        _ => {}
    }
    let all = |bytes| ContextCut::before(view.model, history.turns.len(), bytes);
    let largest = view.limits.reads.max(view.limits.others).min(LARGEST_RESULT);
    let smaller = std::iter::successors(Some(largest), |bytes| Some(bytes / 4 * 3));
    let sizes = smaller.skip(1).take_while(|bytes| *bytes >= LEAST_RESULT).chain([LEAST_RESULT]);
    let shorter = sizes.map(|bytes| build_cut(all(bytes), limit, quarter));
    let shortest = || build_cut(all(LEAST_RESULT), limits.window, SHORTEST_REPLY.into());
    let mut fitting = shorter.filter(|fitted| fitted.fit == Fit::Fits);
    fitting.next().unwrap_or_else(shortest)
}

/// Limits the reply of a request to what is left of the limit, but not below `least` tokens.
fn with_room(mut request: ChatRequest, measure: Measure, limit: u64, least: u64) -> Fitted {
    let left = limit.saturating_sub(measure.tokens(&request));
    let asked = request.max_tokens;
    if left < least.min(asked.into()) {
        return Fitted { request, fit: Fit::Overflows, cut: None };
    }
    request.max_tokens = asked.min(u32::try_from(left).unwrap_or(u32::MAX));
    Fitted { request, fit: Fit::Fits, cut: None }
}

/// Returns the request for a summary: that of the next step with one more message, so that the provider
/// reads the conversation from its cache. `None` if it does not fit into the window.
pub(super) fn summary_after(
    mut step: ChatRequest,
    (limit, window): (u64, u64),
    measure: Measure,
    options: &ReActOptions,
) -> Option<ChatRequest> {
    step.messages.push(Message::user(SUMMARISE));
    step.max_tokens = summary_tokens(limit, options);
    (measure.size(&step) <= window).then_some(step)
}

/// Returns the request for a summary of the first turns that describes the conversation in one message,
/// shortened as far as necessary. It shares no prefix with other requests.
pub(super) fn summary_of_description(
    model: &str,
    command: &str,
    history: &History,
    count: usize,
    (limit, options): (u64, &ReActOptions),
) -> ChatRequest {
    let before = history.summary.as_ref();
    let view = View {
        protocol: Protocol::Native,
        limits: options.result_limits.at_most(options.shrunk.saturating_mul(4)),
        model: ("", ""),
        planned: None,
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
        .saturating_mul(estimate::BYTES_PER_TOKEN);
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
