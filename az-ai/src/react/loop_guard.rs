//! Detects repeated tool calls.

use az_core::journal::{ToolCall, Turn};

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
pub(super) fn repetition(turns: &[Turn], repeated: Repeats) -> Repetition {
    if repeated == Repeats::Meant || !repeats(turns) {
        return Repetition::None;
    }
    let told = (1..turns.len()).any(|end| turns.get(..end).is_some_and(repeats));
    if told { Repetition::Stop } else { Repetition::Nudge }
}

/// Whether the last of these turns completes the third repetition of a sequence of calls, or has
/// the same call three times.
pub(super) fn repeats(turns: &[Turn]) -> bool {
    turns.last().is_some_and(repeats_itself) || repeats_others(turns)
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

fn repeats_others(turns: &[Turn]) -> bool {
    (1..=LONGEST).any(|period| {
        let Some(from) = turns.len().checked_sub(period * REPETITIONS) else {
            return false;
        };
        let rounds = turns.get(from..).unwrap_or_default();
        let again = rounds.iter().skip(period);
        rounds.iter().all(|turn| !turn.reply.calls.is_empty())
            && rounds.iter().zip(again).all(|(one, next)| same(one, next))
    })
}

/// Whether two turns make the same calls; ids are ignored.
fn same(one: &Turn, other: &Turn) -> bool {
    let (one, other) = (&one.reply.calls, &other.reply.calls);
    let mut pairs = one.iter().zip(other);
    one.len() == other.len() && pairs.all(|(a, b)| a.name == b.name && a.arguments == b.arguments)
}

#[cfg(test)]
mod tests {
    use az_core::journal::{ModelReply, Turn};
    use serde_json::json;

    use super::{Repeats, Repetition, repetition};

    /// Each letter is a turn with a call of that tool; `-` is one with text only.
    fn turns(letters: &str) -> Vec<Turn> {
        let reply = |letter: char| match letter {
            '-' => ModelReply::text("thinking"),
            letter => ModelReply::default().with_call(letter, json!({"x": 1})),
        };
        letters.chars().map(|letter| Turn { reply: reply(letter) }).collect()
    }

    #[test]
    fn the_same_call_three_times_in_one_reply_is_a_loop() {
        let turn = |calls: &str| {
            let reply = calls
                .chars()
                .fold(ModelReply::default(), |reply, name| reply.with_call(name, json!({"x": 1})));
            Turn { reply }
        };
        for (turns, expected) in [
            (vec![turn("aab")], Repetition::None),
            (vec![turn("abaca")], Repetition::Nudge),
            (vec![turn("aaa"), turn("b")], Repetition::None),
            (vec![turn("aaa"), turn("bbb")], Repetition::Stop),
        ] {
            assert_eq!(repetition(&turns, Repeats::Noted), expected, "{turns:?}");
        }
        assert_eq!(repetition(&[turn("aaa")], Repeats::Meant), Repetition::None);
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
        let turn = |n: u32| Turn { reply: ModelReply::default().with_call("a", json!({"n": n})) };
        let turns: Vec<_> = (0..9).map(turn).collect();
        assert_eq!(repetition(&turns, Repeats::Noted), Repetition::None);
    }
}
