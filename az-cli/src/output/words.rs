//! Times and amounts in words.

use std::time::Duration;

use az_core::task::Task;
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

/// Returns a duration as a person says it: `45 ms`, `1.2 s`, `3m 20s`.
pub fn duration(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0..1000 => format!("{millis} ms"),
        1000..60_000 => format!("{}.{} s", millis / 1000, millis % 1000 / 100),
        _ => format!("{}m {}s", millis / 60_000, millis % 60_000 / 1000),
    }
}

/// Returns a cost that may not be known wholly.
pub fn task_cost(cost: Usd, unpriced: bool) -> String {
    match (cost, unpriced) {
        (Usd::ZERO, true) => "cost unknown".to_owned(),
        (cost, true) => format!("{cost} and more"),
        (cost, false) => cost.to_string(),
    }
}

/// Returns a count of things: `1 step`, `2 steps`.
pub fn plural(n: u64, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Returns how long a task ran, if it has ended.
pub fn ran_for(task: &Task) -> Option<Duration> {
    let ran = task.completed_at?.duration_since(task.started_at?);
    Duration::try_from(ran).ok()
}

/// Returns text without what would move a terminal's cursor or change its colours.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{age, duration};
    use az_core::clock::from_micros;

    #[test]
    fn times_are_told_in_their_largest_unit() {
        let at = |seconds: i64| from_micros(seconds * 1_000_000);
        let ages = [0, 59, 61, 7200, 200_000].map(|s| age(at(0), at(s)));
        assert_eq!(ages, ["now", "59s ago", "1m ago", "2h ago", "2d ago"]);
        let spans = [5, 1250, 200_000].map(|ms| duration(Duration::from_millis(ms)));
        assert_eq!(spans, ["5 ms", "1.2 s", "3m 20s"]);
    }
}
