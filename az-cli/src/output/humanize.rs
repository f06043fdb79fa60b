//! Formats times, amounts and untrusted text for people.

use std::time::Duration;

use az_core::journal::RunTotals;
use az_core::text::{is_hidden, plural};
use az_core::{Timestamp, Usd};
use unicode_width::UnicodeWidthChar;

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

/// Returns what a task cost, and what it cost with its child tasks if it has some, such as `$0.01, $0.07 with its 5
/// child tasks`.
pub fn run_cost(totals: &RunTotals) -> String {
    let own = task_cost(totals.cost, totals.unpriced);
    match totals.children {
        None => own,
        Some(children) => {
            let both = totals.cost.plus(children.cost);
            let unpriced = totals.unpriced || children.unpriced;
            format!("{own}, {}", cost_with_children(both, unpriced, children.tasks))
        }
    }
}

/// Returns the amount that a task and its child tasks cost together.
pub fn cost_with_children(both: Usd, unpriced: bool, children: u64) -> String {
    format!("{} with its {}", amount(both, unpriced), plural(children, "child task"))
}

/// Returns an amount as part of a sentence that does not name it.
fn task_cost(cost: Usd, unpriced: bool) -> String {
    match (cost, unpriced) {
        (Usd::ZERO, true) => "cost unknown".to_owned(),
        (cost, unpriced) => amount(cost, unpriced),
    }
}

/// The most marks over one character that are shown as they are.
const MOST_MARKS: usize = 4;
/// The most spaces in a row that are shown as they are in the arguments of a call.
const MOST_SPACES: usize = 40;

/// Escapes characters that move the cursor, change colours, reorder text or are invisible, by their numbers.
/// Line ends are kept.
pub fn printable(text: &str) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut shown = String::with_capacity(text.len());
    let (mut before, mut marks) = ('\0', 0);
    for c in text.chars() {
        marks = if c.width() == Some(0) { marks + 1 } else { 0 };
        match c {
            '\n' => shown.push(c),
            '\t' => shown.push_str("    "),
            c if c.is_control() || is_hidden(c, before) || marks > MOST_MARKS => {
                shown.extend(c.escape_unicode());
            }
            c => shown.push(c),
        }
        before = c;
    }
    shown
}

/// Returns a text of someone else on one line, as [`printable`].
pub(super) fn printable_line(text: &str) -> String {
    printable(text).replace('\n', "\\n")
}

/// Returns a text with the number of spaces in place of those that are so many that what follows them may be
/// overlooked.
pub(super) fn with_counted_spaces(text: &str) -> String {
    let (mut shown, mut rest) = (String::with_capacity(text.len()), text);
    while !rest.is_empty() {
        let spaces = rest.len() - rest.trim_start_matches(' ').len();
        match spaces {
            0..=MOST_SPACES => shown.push_str(&" ".repeat(spaces)),
            _ => shown.push_str(&format!("{}×{spaces}", ' '.escape_unicode())),
        }
        let after = rest.get(spaces..).unwrap_or_default();
        let (text, next) = after.split_at(after.find(' ').unwrap_or(after.len()));
        shown.push_str(text);
        rest = next;
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{age, duration, printable, with_counted_spaces};
    use az_core::clock::from_micros;

    #[test]
    fn control_and_bidi_characters_are_escaped() {
        assert_eq!(printable("a\x1b[31mb\tc\n"), "a\\u{1b}[31mb    c\n");
        assert_eq!(printable("\u{202e}gnp.exe \u{9b}2J"), "\\u{202e}gnp.exe \\u{9b}2J");
        for shown in ["schön 👩‍🔬", "❤\u{fe0f}", "می\u{200c}خواهم", "u\u{308}", &" ".repeat(40)]
        {
            assert_eq!(printable(shown), shown);
        }
        assert_eq!(printable("r\u{200d}m \u{3164}\u{ad}x"), "r\\u{200d}m \\u{3164}\\u{ad}x");
        let spaced = format!("a{}b{} c ", " ".repeat(41), " ".repeat(39));
        assert_eq!(with_counted_spaces(&spaced), format!("a\\u{{20}}×41b{}c ", " ".repeat(40)));
        assert_eq!(printable(&"\u{301}".repeat(6))[8..], *"\\u{301}\\u{301}");
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
