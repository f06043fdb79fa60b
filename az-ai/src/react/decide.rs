//! What comes next, as a function of the record.

use az_core::journal::{FinishReason, History, ModelReply, Turn};

use super::loop_guard::{Repeats, Repetition, repetition};

/// The most pauses in a row. Each costs money, and a provider might never come to an end.
const MOST_PAUSES: usize = 10;

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// There is an answer.
    Finish(String),
    /// There is no use in going on.
    GiveUp(String),
    /// The last turn asks for tools.
    RunTools,
    /// It is the model's turn.
    CallModel,
}

/// Says what comes next.
pub(super) fn decide(history: &History, repeated: Repeats) -> Decision {
    let Some(turn) = history.turns.last() else {
        return Decision::CallModel;
    };
    if history.pending_calls().next().is_some() {
        return match repetition(&history.turns, repeated) {
            Repetition::Stop => Decision::GiveUp(circles(turn)),
            Repetition::None | Repetition::Nudge => Decision::RunTools,
        };
    }
    let observed = history.observations_after(history.turns.len()).next().is_some();
    if observed || !turn.reply.calls.is_empty() {
        return Decision::CallModel;
    }
    if is_paused(&turn.reply) {
        let pauses = history.turns.iter().rev().take_while(|turn| is_paused(&turn.reply)).count();
        return if pauses > MOST_PAUSES {
            Decision::GiveUp(format!("the model paused {pauses} times in a row"))
        } else {
            Decision::CallModel
        };
    }
    if !is_empty(&turn.reply) {
        return Decision::Finish(answer(&turn.reply));
    }
    if says_nothing(&history.turns) {
        return Decision::GiveUp(silence(&turn.reply));
    }
    Decision::CallModel
}

/// Returns how many turns, from the first, are to be summed up when the conversation does not fit;
/// `None` when nothing is left to sum up.
pub(super) fn to_sum_up(history: &History, keep_turns: usize) -> Option<usize> {
    let done = history.summary.as_ref().map_or(0, |summary| summary.turns);
    let all = history.turns.len();
    // Better to keep fewer turns in full than to give up, but the last one is always needed.
    let turns = [keep_turns, 1].map(|keep| all.saturating_sub(keep));
    turns.into_iter().find(|turns| *turns > done)
}

/// Returns whether the provider paused, so that the turn is neither an answer nor a call and the
/// next request continues it.
pub(super) fn is_paused(reply: &ModelReply) -> bool {
    reply.calls.is_empty() && reply.finish_reason() == FinishReason::Pause
}

/// Whether a turn says nothing and asks for nothing.
pub(super) fn is_empty(reply: &ModelReply) -> bool {
    reply.calls.is_empty() && reply.text.trim().is_empty() && !is_paused(reply)
}

fn says_nothing(turns: &[Turn]) -> bool {
    turns.len() >= 2 && turns.iter().rev().take(2).all(|turn| is_empty(&turn.reply))
}

/// Returns the answer, and says so where the provider cut it.
fn answer(reply: &ModelReply) -> String {
    let text = reply.text.trim_end();
    if reply.finish_reason().is_cut() {
        return format!("{text}\n[the answer reached its longest length and ends here]");
    }
    text.to_owned()
}

/// Says why nothing came. A model that thinks may have spent all its tokens on that.
fn silence(reply: &ModelReply) -> String {
    if reply.finish_reason().is_cut() {
        return "the model's replies reached their longest length before they said anything: it \
                needs more tokens for its thoughts"
            .to_owned();
    }
    "the model said nothing, twice".to_owned()
}

fn circles(turn: &Turn) -> String {
    let mut names: Vec<&str> = turn.reply.calls.iter().map(|call| call.name.as_str()).collect();
    names.dedup();
    format!("the model repeats the same calls ({}) without getting further", names.join(", "))
}
