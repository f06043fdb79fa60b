//! Formats times, amounts and untrusted text for people.

use std::time::Duration;

use az_core::{Timestamp, Usd};

/// Returns how long ago `then` was, such as `3m ago`.
pub fn age(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second());
    let text = match seconds {
        ..=0 => return "now".to_owned(),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    };
    format!("{text} ago")
}

/// Returns a duration in a readable form: `45 ms`, `1.2 s`, `3m 20s`.
pub fn duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0..1000 => format!("{millis} ms"),
        1000..60_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        _ => format!("{}m {}s", millis / 60_000, millis % 60_000 / 1000),
    }
}

/// Returns an amount; `unpriced` is whether some calls in it have an unknown price.
pub fn amount(cost: Usd, unpriced: bool) -> String {
    match (cost, unpriced) {
        (Usd::ZERO, true) => "unknown".to_owned(),
        (cost, true) => format!("at least {cost}"),
        (cost, false) => cost.to_string(),
    }
}

/// Returns an amount as part of a sentence that does not name it.
pub fn task_cost(cost: Usd, unpriced: bool) -> String {
    match (cost, unpriced) {
        (Usd::ZERO, true) => "cost unknown".to_owned(),
        (cost, unpriced) => amount(cost, unpriced),
    }
}

/// Escapes characters that move the cursor, change colours or reorder text, by their numbers. Line ends
/// are kept.
pub fn printable(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => shown.push(c),
            '\t' => shown.push_str("    "),
            c if c.is_control() || is_deceptive(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// Whether a character is invisible, separates lines, or changes the direction of text (UAX #9).
const fn is_deceptive(c: char) -> bool {
    matches!(
        c,
        '\u{61c}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{age, duration, printable};
    use az_core::clock::from_micros;

    #[test]
    fn control_and_bidi_characters_are_escaped() {
        assert_eq!(printable("a\x1b[31mb\tc\n"), "a\\u{1b}[31mb    c\n");
        assert_eq!(printable("\u{202e}gnp.exe \u{9b}2J"), "\\u{202e}gnp.exe \\u{9b}2J");
        assert_eq!(printable("schön 👩‍🔬"), "schön 👩‍🔬");
    }

    #[test]
    fn times_are_shown_in_their_largest_unit() {
        let at = |seconds: i64| from_micros(seconds * 1_000_000);
        let ages = [0, 59, 61, 7200, 200_000].map(|s| age(at(0), at(s)));
        assert_eq!(ages, ["now", "59s ago", "1m ago", "2h ago", "2d ago"]);
        let spans = [5, 1250, 200_000].map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(spans, ["5 ms", "1.2 s", "3m 20s"]);
    }
}
