//! Replies that were cut off at their length limit.

use az_core::journal::{Cut, ModelReply, Turn};

/// The number of replies in a row that may be cut off.
const MOST_CUTS: usize = 3;
/// The factor by which the limit is raised after the first one.
const RAISE: u32 = 4;

/// Returns a reply to a request with this limit, with the cut if it was cut off, and without the
/// call that was cut off: the last one, unless its arguments are a complete object. Those before it
/// were complete.
pub(super) fn noted(mut reply: ModelReply, max_tokens: u32) -> ModelReply {
    if is_cut(&reply) {
        let cut = reply.calls.pop_if(|last| !last.arguments.is_object());
        if cut.is_some() {
            // The replay data has the call.
            reply.replay = None;
        }
        reply.cut = Some(Box::new(Cut::new(max_tokens, cut.map(|call| call.name))));
    }
    reply
}

/// Returns the number of latest turns that were cut off.
fn cuts(turns: &[Turn]) -> usize {
    turns.iter().rev().take_while(|turn| is_cut(&turn.reply)).count()
}

/// Whether a turn was cut off, so that it is not an answer.
pub(super) fn is_cut(reply: &ModelReply) -> bool {
    reply.finish_reason().is_cut()
}

/// Returns why the loop ends, if too many replies in a row were cut off.
pub(super) fn too_many(turns: &[Turn]) -> Option<String> {
    let cuts = cuts(turns);
    let at = turns.last().and_then(|turn| limit(&turn.reply)).unwrap_or_default();
    (cuts >= MOST_CUTS).then(|| {
        format!(
            "{cuts} replies of the model in a row were cut off at their length limit{at}; raise \
             llm.max_tokens, which includes reasoning, or divide the task into smaller ones"
        )
    })
}

/// Returns the limit of the next reply: higher after a reply that was cut off, where the model is
/// known to allow that.
pub(super) fn raised(max_tokens: u32, most: Option<u64>, turns: &[Turn]) -> u32 {
    if cuts(turns) == 0 {
        return max_tokens;
    }
    let most = most.map_or(max_tokens, |most| u32::try_from(most).unwrap_or(u32::MAX));
    max_tokens.saturating_mul(RAISE).min(most).max(max_tokens)
}

/// Returns what the model is told after a reply that was cut off.
pub(super) fn notice(reply: &ModelReply) -> String {
    let at = limit(reply).unwrap_or_default();
    let how = match call(reply) {
        Some(tool) => format!(
            "The call of {tool} was not complete and was not made. Make it in smaller parts that \
             are well below the limit, for example a file in several writes."
        ),
        None => "If that was the answer, continue exactly where it ends.".to_owned(),
    };
    format!("[Your last reply was cut off at its length limit{at}. {how}]")
}

fn limit(reply: &ModelReply) -> Option<String> {
    reply.cut.as_ref().map(|cut| format!(" of {} tokens", cut.at))
}

/// Returns the tool whose call was cut off.
fn call(reply: &ModelReply) -> Option<&str> {
    reply.cut.as_ref()?.call.as_deref()
}

/// Returns the answer that the last turn completes: its text, after that of the turns before it
/// that were cut off.
pub(super) fn joined_answer(turns: &[Turn]) -> String {
    let Some((last, before)) = turns.split_last() else { return String::new() };
    let is_part = |turn: &&Turn| {
        let reply = &turn.reply;
        is_cut(reply) && reply.calls.is_empty() && call(reply).is_none()
    };
    let mut parts: Vec<&str> =
        before.iter().rev().take_while(is_part).map(|turn| turn.reply.text.as_str()).collect();
    parts.reverse();
    parts.push(&last.reply.text);
    parts.concat().trim_end().to_owned()
}
