//! Detects repeated tool calls.

use az_core::CallId;
use az_core::journal::{CallState, History, ToolCall, ToolOutcome, Turn};
use az_core::text::Excerpt;

/// The maximum length of a repeated sequence, in turns.
const LONGEST: usize = 4;
/// The number of repetitions that count as a loop.
const REPETITIONS: usize = 3;

/// The meaning of repeated calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    /// The model may be stuck in a loop.
    Noted,
    /// The calls were planned.
    Meant,
}

/// The reaction to repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repetition {
    /// None.
    None,
    /// The last turn completes the third repetition: warn the model.
    Nudge,
    /// The model was warned and continues: stop it.
    Stop,
}

/// Returns the reaction to the last turn.
pub(super) fn repetition(history: &History, repeated: Repeats) -> Repetition {
    let turns = history.turns.len();
    if repeated == Repeats::Meant || !repeats(history, turns) {
        return Repetition::None;
    }
    let told = (1..turns).any(|end| repeats(history, end));
    if told { Repetition::Stop } else { Repetition::Nudge }
}

/// Whether the last of the first `end` turns completes the third repetition of a sequence of calls with
/// the same results, or has the same call three times.
///
/// The same call with another result is no repetition: the model waits for something.
pub(super) fn repeats(history: &History, end: usize) -> bool {
    let turns = history.turns.get(..end).unwrap_or_default();
    turns.last().is_some_and(repeats_itself) || repeats_others(history, turns)
}

fn repeats_itself(turn: &Turn) -> bool {
    let calls = &turn.reply.calls;
    let same = |call: &ToolCall| {
        let alike =
            |other: &&ToolCall| other.name == call.name && other.arguments == call.arguments;
        calls.iter().filter(alike).count()
    };
    calls.len() >= REPETITIONS && calls.iter().any(|call| same(call) >= REPETITIONS)
}

fn repeats_others(history: &History, turns: &[Turn]) -> bool {
    (1..=LONGEST).any(|period| {
        let Some(from) = turns.len().checked_sub(period * REPETITIONS) else {
            return false;
        };
        let rounds = || (from..).zip(turns.get(from..).unwrap_or_default());
        rounds().all(|(_, turn)| !turn.reply.calls.is_empty())
            && rounds().zip(rounds().skip(period)).all(|(one, next)| same(history, one, next))
    })
}

/// Whether two turns make the same calls, and get the same results; ids are ignored. A call without a
/// result may get any.
fn same(history: &History, (at, one): (usize, &Turn), (later, other): (usize, &Turn)) -> bool {
    let (calls, others) = (&one.reply.calls, &other.reply.calls);
    let alike = |(place, (a, b)): (usize, (&ToolCall, &ToolCall))| {
        let result = |turn| result(history, &CallId::tool(turn, place));
        let results = result(at).zip(result(later));
        a.name == b.name && a.arguments == b.arguments && results.is_none_or(|(a, b)| a == b)
    };
    calls.len() == others.len() && calls.iter().zip(others).enumerate().all(alike)
}

/// Returns what a call returned, if it has a result.
fn result<'a>(history: &'a History, call: &CallId) -> Option<(ToolOutcome, &'a Excerpt)> {
    match &history.call(call)?.state {
        CallState::Ended { outcome, text, .. } => Some((*outcome, text)),
        CallState::Waiting | CallState::Begun { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use az_core::CallId;
    use az_core::journal::{CallRecord, CallState, History, ModelReply, ToolOutcome, Turn};
    use az_core::text::Excerpt;
    use serde_json::json;

    use super::{Repeats, Repetition, repetition};

    /// Each letter is a turn with a call of that tool; `-` is one with text only.
    fn turns(letters: &str) -> History {
        let reply = |letter: char| match letter {
            '-' => ModelReply::text("thinking"),
            letter => ModelReply::default().with_call(letter, json!({"x": 1})),
        };
        of(letters.chars().map(|letter| Turn::new(reply(letter), "")).collect())
    }

    fn of(turns: Vec<Turn>) -> History {
        History { turns, ..History::default() }
    }

    #[test]
    fn the_same_call_three_times_in_one_reply_is_a_loop() {
        let turn = |calls: &str| {
            let reply = calls
                .chars()
                .fold(ModelReply::default(), |reply, name| reply.with_call(name, json!({"x": 1})));
            Turn::new(reply, "")
        };
        for (turns, expected) in [
            (vec![turn("aab")], Repetition::None),
            (vec![turn("abaca")], Repetition::Nudge),
            (vec![turn("aaa"), turn("b")], Repetition::None),
            (vec![turn("aaa"), turn("bbb")], Repetition::Stop),
        ] {
            assert_eq!(repetition(&of(turns.clone()), Repeats::Noted), expected, "{turns:?}");
        }
        assert_eq!(repetition(&of(vec![turn("aaa")]), Repeats::Meant), Repetition::None);
    }

    #[test]
    fn three_repetitions_of_one_to_four_turns_are_a_loop() {
        for (letters, expected) in [
            ("", Repetition::None),
            ("aa", Repetition::None),
            ("aaa", Repetition::Nudge),
            ("aaaa", Repetition::Stop),
            ("aaab", Repetition::None),
            ("aaabbb", Repetition::Stop),
            ("ababa", Repetition::None),
            ("cababab", Repetition::Nudge),
            ("abababa", Repetition::Stop),
            ("abcabcabc", Repetition::Nudge),
            ("abcdabcdabcd", Repetition::Nudge),
            ("abcdeabcdeabcde", Repetition::None),
            ("aa-a", Repetition::None),
            ("---", Repetition::None),
        ] {
            assert_eq!(repetition(&turns(letters), Repeats::Noted), expected, "{letters}");
        }
    }

    #[test]
    fn planned_calls_are_not_a_loop() {
        assert_eq!(repetition(&turns("aaaaaaaa"), Repeats::Meant), Repetition::None);
    }

    #[test]
    fn calls_with_other_arguments_are_not_repetitions() {
        let turn = |n: u32| Turn::new(ModelReply::default().with_call("a", json!({"n": n})), "");
        let turns: Vec<_> = (0..9).map(turn).collect();
        assert_eq!(repetition(&of(turns), Repeats::Noted), Repetition::None);
    }

    #[test]
    fn the_same_call_with_another_result_is_polling() {
        for (results, expected) in [
            (["a", "a", "a"], Repetition::Nudge),
            (["a", "b", "c"], Repetition::None),
            (["a", "a", "b"], Repetition::None),
        ] {
            let mut history = turns("pppp");
            for (turn, text) in results.into_iter().enumerate() {
                let (text, images) = (Excerpt::of(text, 9), Vec::new());
                let outcome = ToolOutcome::Done;
                let state = CallState::Ended { outcome, text, images, data: None };
                let record = CallRecord { state, ..CallRecord::default() };
                history.calls.insert(CallId::tool(turn, 0), record);
            }
            let pending = repetition(&history, Repeats::Noted);
            let stop = if expected == Repetition::Nudge { Repetition::Stop } else { expected };
            assert_eq!(pending, stop, "{results:?}, and the next call has no result yet");
            history.turns.pop();
            assert_eq!(repetition(&history, Repeats::Noted), expected, "{results:?}");
        }
    }
}
