//! Decides the next step of the loop from the journal.

use az_core::journal::{FinishReason, History, ModelReply, Turn};

use super::cut;
use super::loop_guard::{Repeats, Repetition, repetition};

/// The maximum number of pauses in a row. Each costs money, and a provider might never finish.
const MAX_PAUSES: usize = 10;

/// The maximum number of tool calls in a reply. A model that writes more repeats itself.
const MAX_CALLS: usize = 32;

/// The next step of the loop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// The task has an answer.
    Finish(String),
    /// The loop cannot continue.
    GiveUp(String),
    /// The last turn contains tool calls.
    RunTools,
    /// The last turn contains more tool calls than are made.
    RefuseCalls(String),
    /// The model has to be called.
    CallModel,
}

/// Returns the next step of the loop. The first turns are `before` the command: what they lack is not added to, and
/// does not count.
pub(super) fn decide(history: &History, before: usize, repeated: Repeats) -> Decision {
    let own = history.turns.get(before..).unwrap_or_default();
    let Some(turn) = history.turns.last() else {
        return Decision::CallModel;
    };
    if history.pending_calls().next().is_some() {
        if let Some(reason) = too_many_calls(&turn.reply, repeated) {
            return Decision::RefuseCalls(reason);
        }
        return match repetition(history, repeated) {
            Repetition::Stop => Decision::GiveUp(describe_repetition(turn)),
            Repetition::None | Repetition::Nudge => Decision::RunTools,
        };
    }
    let observed = history.observations_after(history.turns.len()).next().is_some();
    if !observed && let Some(reason) = cut::too_many(own) {
        return Decision::GiveUp(reason);
    }
    if observed || !turn.reply.calls.is_empty() || cut::is_cut(&turn.reply) {
        return Decision::CallModel;
    }
    if is_paused(&turn.reply) {
        let pauses = own.iter().rev().take_while(|turn| is_paused(&turn.reply)).count();
        return if pauses > MAX_PAUSES {
            Decision::GiveUp(format!("the model paused {pauses} times in a row"))
        } else {
            Decision::CallModel
        };
    }
    if !is_empty(&turn.reply) {
        return Decision::Finish(cut::joined_answer(own));
    }
    if is_blank(own) {
        return Decision::GiveUp("the model returned two empty replies".to_owned());
    }
    Decision::CallModel
}

/// Returns the number of turns, from the first, to summarise when the conversation does not fit;
/// `None` when there is nothing to summarise.
pub(super) fn turns_to_summarise(history: &History, keep_turns: usize) -> Option<usize> {
    let done = history.summary.as_ref().map_or(0, |summary| summary.turns);
    let all = history.turns.len();
    // Fewer complete turns are better than a failure, but the last one is always needed.
    let turns = [keep_turns, 1].map(|keep| all.saturating_sub(keep));
    turns.into_iter().find(|turns| *turns > done)
}

/// Returns whether the provider paused, so that the turn is neither an answer nor a call and the
/// next request continues it.
pub(super) fn is_paused(reply: &ModelReply) -> bool {
    reply.calls.is_empty() && reply.finish_reason() == FinishReason::Pause
}

/// Whether a turn has neither text nor calls.
pub(super) fn is_empty(reply: &ModelReply) -> bool {
    reply.calls.is_empty() && reply.text.trim().is_empty() && !is_paused(reply)
}

fn is_blank(turns: &[Turn]) -> bool {
    turns.len() >= 2 && turns.iter().rev().take(2).all(|turn| is_empty(&turn.reply))
}

/// Returns why the calls of a reply are not made, if there are too many.
fn too_many_calls(reply: &ModelReply, repeated: Repeats) -> Option<String> {
    let calls = reply.calls.len();
    (calls > MAX_CALLS && repeated == Repeats::Noted).then(|| {
        format!(
            "the reply has {calls} tool calls, and at most {MAX_CALLS} are made for one reply; none \
             of them was made. Make fewer calls at a time"
        )
    })
}

fn describe_repetition(turn: &Turn) -> String {
    let mut names: Vec<&str> = turn.reply.calls.iter().map(|call| call.name.as_str()).collect();
    names.dedup();
    format!("the model repeats the same calls ({}) without progress", names.join(", "))
}
