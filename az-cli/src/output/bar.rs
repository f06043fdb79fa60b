//! Bars that show shares.

use az_core::Usd;

/// How wide a bar is, in characters.
const WIDTH: usize = 20;
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// Returns a bar for the share of `part` in `whole`, with the percentage. A part above the whole fills
/// the bar, and its percentage is above 100.
///
/// The percentage is rounded to the nearest, but 0% and 100% are exact: what is near them is shown as
/// `<1%`, `>99%` and `>100%`.
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
    let percent = percent(part.nanos().max(0).into(), whole.nanos().into());
    format!("{filled}{last}{} {percent}", "·".repeat(empty))
}

/// Returns the percentage of a part, rounded as [`bar`] does; `0%` if the whole is 0.
pub(super) fn percent(part: i128, whole: i128) -> String {
    if whole <= 0 {
        return "0%".to_owned();
    }
    let nearest = (part * 200 + whole) / (whole * 2);
    match nearest {
        0 if part > 0 => "<1%".to_owned(),
        100 if part < whole => ">99%".to_owned(),
        100 if part > whole => ">100%".to_owned(),
        nearest => format!("{nearest}%"),
    }
}

#[cfg(test)]
mod tests {
    use super::{bar, percent};
    use az_core::Usd;

    #[test]
    fn bars_show_shares_also_above_the_whole() {
        let shown = |part, whole| bar(Usd::from_nanos(part), Usd::from_nanos(whole));
        assert_eq!(shown(0, 10), "···················· 0%");
        assert_eq!(shown(5, 10), "██████████·········· 50%");
        assert_eq!(shown(1, 30), "▋··················· 3%");
        assert_eq!(shown(25, 10), "████████████████████ 250%");
        assert_eq!(shown(2, 3), "█████████████▎······ 67%");
        assert!(shown(i64::MAX, 1).starts_with("████████████████████ "));
        assert_eq!(shown(1, 0), "");
    }

    #[test]
    fn a_percentage_is_0_or_100_only_if_it_is_exactly_that() {
        let shown = |part| percent(part, 1_000);
        let shares = [0, 1, 5, 14, 15, 994, 995, 999, 1_000, 1_001, 1_005].map(shown);
        let expected =
            ["0%", "<1%", "1%", "1%", "2%", "99%", ">99%", ">99%", "100%", ">100%", "101%"];
        assert_eq!(shares, expected);
        assert_eq!(percent(0, 0), "0%");
    }
}
