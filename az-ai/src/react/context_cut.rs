//! Plans which results of tools are cut when a request does not fit.
//!
//! A cut changes an earlier part of the conversation, so that the provider has to read all that follows
//! again at the full price. It is therefore made rarely and goes far: the oldest results first, until the
//! request has half the size of the window. Until the next one, the conversation is only appended to.

use az_core::journal::{ContextCut, History};
use az_core::text::json_size;

use super::arguments::with_short_arguments;
use super::transcript::{View, results};
use crate::estimate;

/// The share of a request that a cut frees at least, in percent. A smaller one would soon be followed
/// by the next, and each costs the cache.
const LEAST_FREED: u64 = 20;

/// Returns a cut of old results after which the request has at most `target` tokens, or as few as
/// possible; `None` if it frees less than a fifth of the request.
///
/// The results of the latest `keep_turns` turns are cut only if less would be freed otherwise, and those
/// of the last turn never, because the model has not seen them.
pub(super) fn plan(
    history: &History,
    view: View<'_>,
    (before, target): (u64, u64),
    (keep_turns, to_bytes): (usize, usize),
) -> Option<ContextCut> {
    let all = ContextCut::before(view.model, usize::MAX, to_bytes);
    let from = history.summary.as_ref().map_or(0, |summary| summary.turns);
    let last = history.turns.len().saturating_sub(1);
    let least = before / 100 * LEAST_FREED;
    let (mut freed, mut place) = (0_u64, (from, 0));
    'turns: for turn in from..last {
        let is_kept = turn >= history.turns.len().saturating_sub(keep_turns);
        if is_kept && freed >= least {
            break;
        }
        for (call, saved) in saved_by(history, turn, view, &all).into_iter().enumerate() {
            if before.saturating_sub(freed) <= target {
                break 'turns;
            }
            freed = freed.saturating_add(saved);
            place = (turn, call + 1);
        }
    }
    let cut = ContextCut::before(view.model, place.0, to_bytes).with_calls(place.1);
    (freed >= least && freed > 0).then(|| cut.with_tokens(before, before.saturating_sub(freed)))
}

/// Returns the estimated tokens that a cut saves for each call of a turn: of its result, and of its
/// arguments.
fn saved_by(history: &History, turn: usize, view: View<'_>, cut: &ContextCut) -> Vec<u64> {
    let Some(reply) = history.turns.get(turn).map(|turn| &turn.reply) else { return Vec::new() };
    let whole = results(history, turn, view);
    let short = results(history, turn, View { planned: Some(cut), ..view });
    let short_reply = with_short_arguments(reply.clone(), |_| cut.to_bytes);
    let arguments = reply.calls.iter().zip(&short_reply.calls).map(|(whole, short)| {
        json_size(&whole.arguments).saturating_sub(json_size(&short.arguments))
    });
    let results = whole.iter().zip(&short);
    let tokens = |message: &_| estimate::tool_result(message);
    let results = results.map(|(whole, short)| tokens(whole).saturating_sub(tokens(short)));
    results
        .zip(arguments)
        .map(|(result, bytes)| result + bytes / estimate::BYTES_PER_TOKEN)
        .collect()
}
