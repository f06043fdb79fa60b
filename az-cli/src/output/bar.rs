//! Bars that show shares.

use az_core::Usd;

/// How wide a bar is, in characters.
const WIDTH: usize = 20;
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// Returns a bar for the share of `part` in `whole`, with the percentage. A part above the whole fills
/// the bar, and its percentage is above 100.
pub fn bar(part: Usd, whole: Usd) -> String {
    if whole <= Usd::ZERO {
        return String::new();
    }
    let share = |of: i128| {
        let part = i128::from(part.nanos().max(0)) * of;
        usize::try_from(part / i128::from(whole.nanos())).unwrap_or(usize::MAX)
    };
    let eighths = share(8 * 20).min(WIDTH * 8);
    let last = EIGHTHS.get(eighths % 8).copied().unwrap_or_default();
    let filled = "█".repeat(eighths / 8);
    let empty = WIDTH - eighths.div_ceil(8);
    format!("{filled}{last}{} {}%", "·".repeat(empty), share(100))
}

#[cfg(test)]
mod tests {
    use super::bar;
    use az_core::Usd;

    #[test]
    fn bars_show_shares_also_above_the_whole() {
        let shown = |part, whole| bar(Usd::from_nanos(part), Usd::from_nanos(whole));
        assert_eq!(shown(0, 10), "···················· 0%");
        assert_eq!(shown(5, 10), "██████████·········· 50%");
        assert_eq!(shown(1, 30), "▋··················· 3%");
        assert_eq!(shown(25, 10), "████████████████████ 250%");
        assert!(shown(i64::MAX, 1).starts_with("████████████████████ "));
        assert_eq!(shown(1, 0), "");
    }
}
