//! The context window that a provider states when it refuses a request.

use super::shorten::SHORTEST;

/// Returns the tokens of a reply that fit into the window, if a refusal states the sum: "maximum
/// context length is 4096 tokens, you requested 5513 (1417 in the messages, 4096 in the completion)".
///
/// The window is below the sum of the request and the requested maximum, and above the request; the
/// numbers must be unambiguous.
pub(super) fn room(message: &str, asked: u32) -> Option<u32> {
    // The status and the id of the request follow the message.
    let message = message.split(" (status ").next()?;
    let digits = message.replace(',', "");
    let mut numbers: Vec<u64> = digits
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|number| number.parse().ok())
        .collect();
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
        [room] if *room >= SHORTEST => Some(*room),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::room;

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
