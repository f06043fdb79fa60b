//! Finds out when a model goes round in circles.

use az_core::journal::Turn;

/// How long a circle may be, in turns.
const LONGEST: usize = 4;
/// How often it is gone round before that counts.
const ROUNDS: usize = 3;

/// What repeated calls mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeats {
    /// The model may be going round in circles.
    Noted,
    /// They were planned.
    Meant,
}

/// What to do about repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repetition {
    /// Nothing.
    None,
    /// The last turn completes a third round: tell the model.
    Nudge,
    /// It was told, and goes on: stop it.
    Stop,
}

/// Says what to do after the last turn.
pub(super) fn repetition(turns: &[Turn], repeated: Repeats) -> Repetition {
    if repeated == Repeats::Meant || !repeats(turns) {
        return Repetition::None;
    }
    let told = (1..turns.len()).any(|end| turns.get(..end).is_some_and(repeats));
    if told { Repetition::Stop } else { Repetition::Nudge }
}

/// Whether the last of these turns completes a third round of the same calls.
pub(super) fn repeats(turns: &[Turn]) -> bool {
    (1..=LONGEST).any(|period| {
        let Some(from) = turns.len().checked_sub(period * ROUNDS) else {
            return false;
        };
        let rounds = turns.get(from..).unwrap_or_default();
        let again = rounds.iter().skip(period);
        rounds.iter().all(|turn| !turn.reply.calls.is_empty())
            && rounds.iter().zip(again).all(|(one, next)| same(one, next))
    })
}

/// Whether two turns ask for the same; what they are called by does not matter.
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
    fn three_rounds_of_one_to_four_turns_are_a_circle() {
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
    fn what_was_planned_is_no_circle() {
        assert_eq!(repetition(&turns("aaaaaaaa"), Repeats::Meant), Repetition::None);
    }

    #[test]
    fn other_arguments_are_another_call() {
        let turn = |n: u32| Turn { reply: ModelReply::default().with_call("a", json!({"n": n})) };
        let turns: Vec<_> = (0..9).map(turn).collect();
        assert_eq!(repetition(&turns, Repeats::Noted), Repetition::None);
    }
}
