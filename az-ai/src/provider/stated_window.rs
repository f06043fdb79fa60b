//! The context window that a provider states when it refuses a request.

use az_core::ErrorKind;

use crate::client::SHORTEST_REPLY;
use crate::error::Refusal;

/// Returns the tokens of a reply that fit into the window, if a refusal states the sum: "maximum
/// context length is 4096 tokens, you requested 5513 (1417 in the messages, 4096 in the completion)".
///
/// The window is below the sum of the request and the requested maximum, and above the request; the
/// numbers must be unambiguous.
pub(crate) fn room(message: &str, asked: u32) -> Option<u32> {
    let mut numbers = numbers(message);
    // The requested maximum is one of the numbers, once; the window may be equal to it.
    let place = numbers.iter().rposition(|number| *number == u64::from(asked))?;
    numbers.remove(place);
    let fits = numbers.iter().flat_map(|sent| numbers.iter().map(move |window| (sent, window)));
    let rooms = fits.filter_map(|(sent, window)| {
        let total = sent.checked_add(asked.into())?;
        // Either the sum is stated, or the three numbers are all that there is.
        let is_stated = numbers.contains(&total) || numbers.len() == 2;
        let room = window.checked_sub(*sent).filter(|room| is_stated && *room > 0)?;
        u32::try_from(room).ok().filter(|room| *room < asked && *window != total)
    });
    let mut rooms: Vec<u32> = rooms.collect();
    rooms.dedup();
    match rooms.as_slice() {
        [room] if *room >= SHORTEST_REPLY => Some(*room),
        _ => None,
    }
}

/// Returns the context window that a refusal states: "maximum context length is 8192 tokens",
/// "prompt is too long: 9000 tokens > 8192 maximum".
pub(crate) fn window(refusal: &Refusal) -> Option<u64> {
    if refusal.kind != ErrorKind::ContextWindow {
        return None;
    }
    let message = refusal.message.to_lowercase();
    let after = |cue: &&str| message.split_once(*cue).and_then(|(_, rest)| first(rest));
    let before = |cue: &&str| message.split_once(*cue).and_then(|(before, _)| last(before));
    let stated = AFTER.iter().find_map(after).or_else(|| BEFORE.iter().find_map(before));
    stated.filter(|window| *window >= u64::from(SHORTEST_REPLY))
}

/// Phrases that a window follows, closely.
const AFTER: &[&str] = &[
    "context length is",
    "context length of",
    "context size (",
    "context size of",
    "context window of",
    "context window is",
    "n_ctx",
    "tokens allowed (",
    " > ",
];
/// Phrases that a window precedes.
const BEFORE: &[&str] = &["maximum context length", "context window"];
/// The most bytes between such a phrase and the window.
const CLOSE: usize = 12;

/// Returns the numbers in a message.
pub(crate) fn numbers(message: &str) -> Vec<u64> {
    let digits = message.replace(',', "");
    let all = digits.split(|c: char| !c.is_ascii_digit());
    all.filter_map(|number| number.parse().ok()).collect()
}

fn first(text: &str) -> Option<u64> {
    let place = text.find(|c: char| c.is_ascii_digit()).filter(|place| *place <= CLOSE)?;
    numbers(text.get(place..)?).first().copied()
}

fn last(text: &str) -> Option<u64> {
    let place = text.rfind(|c: char| c.is_ascii_digit())?;
    (text.len() - place <= CLOSE).then(|| numbers(text).last().copied()).flatten()
}

#[cfg(test)]
mod tests {
    use az_core::ErrorKind;

    use super::{Refusal, room, window};

    #[test]
    fn the_window_that_a_refusal_states_is_read() {
        let stated = |message: &str| window(&Refusal::new("p", ErrorKind::ContextWindow, message));
        for (message, expected) in [
            ("This model's maximum context length is 8,192 tokens. You sent 9000.", Some(8_192)),
            ("request (5000 tokens) exceeds the available context size (4096 tokens)", Some(4_096)),
            ("the request exceeds the available context size (n_ctx 4096)", Some(4_096)),
            ("prompt is too long: 209000 tokens > 200000 maximum", Some(200_000)),
            (
                "'max_tokens' or 'max_completion_tokens' is too large: 11000. This model's maximum \
                 context length is 16384 tokens and your request has 5655 input tokens (11000 > \
                 16384 - 5655).",
                Some(16_384),
            ),
            ("exceed context limit: 190000 + 20000 > 200000", Some(200_000)),
            (
                "The input token count (1200000) exceeds the maximum number of tokens allowed \
                 (1048576).",
                Some(1_048_576),
            ),
            ("too large for model with 32768 maximum context length", Some(32_768)),
            ("the input length exceeds the context length", None),
            ("maximum context length is 16", None),
        ] {
            assert_eq!(stated(message), expected, "{message}");
        }
        let other = Refusal::new("p", ErrorKind::BadRequest, "maximum context length is 8192");
        assert_eq!(window(&other), None);
    }

    #[test]
    fn the_reply_fits_into_the_window_that_a_refusal_states() {
        let openai = "maximum context length is 4096 tokens. However, you requested 5513 tokens \
                      (1417 in the messages, 4096 in the completion).";
        let anthropic =
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000";
        for (message, asked, expected) in [
            (openai, 4_096, Some(2_679)),
            (anthropic, 20_000, Some(10_000)),
            ("context length is 4,096 tokens, you requested 4,300 (4,000 + 300)", 300, None),
            ("prompt is too long: 9000 tokens > 8192", 4_096, None),
            ("maximum context length is 8192", 4_096, None),
            ("", 0, None),
        ] {
            assert_eq!(room(message, asked), expected, "{message}");
        }
    }
}
