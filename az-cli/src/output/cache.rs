//! Formats what was read from the caches of providers.

use az_core::Usd;

use super::bar::percent;
use crate::views::CacheUseView;

/// Returns the part of the input that was read from caches, and what that saved; `None` if no input was
/// cached.
pub fn cache_in_words(cache: &CacheUseView) -> Option<String> {
    let (saved, unknown) = (cache.saved(), cache.unknown_saving_calls);
    if cache.cached_tokens == 0 && saved == Usd::ZERO && unknown == 0 {
        return None;
    }
    let share = percent(cache.cached_tokens.into(), cache.input_tokens.into());
    let effect = match (saved, unknown) {
        (Usd::ZERO, 0) => String::new(),
        (Usd::ZERO, _) => ", savings unknown".to_owned(),
        (saved, 0) if saved.is_negative() => {
            format!(", which cost {} more than it saved", Usd::ZERO.minus(saved))
        }
        (saved, 0) => format!(", saved {saved}"),
        (saved, _) => format!(", saved {saved} and an unknown amount"),
    };
    Some(format!("{share} of input from cache{effect}"))
}

/// Returns what caches saved; `unknown` is of how many calls that is not known.
pub(super) fn saving(saved: Usd, unknown: u64) -> String {
    match (saved, unknown) {
        (Usd::ZERO, 1..) => "unknown".to_owned(),
        (saved, 1..) => format!("{saved} + unknown"),
        (saved, 0) => saved.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use az_core::Usd;
    use az_core::cost::CacheUse;

    use super::{cache_in_words, saving};

    #[test]
    fn the_cached_share_is_shown_with_what_is_known_of_the_saving() {
        let words = |cached_tokens, saved, unknown_savings| {
            let saved = Usd::from_nanos(saved);
            let (input_tokens, is_partial) = (1_000, false);
            let cache =
                CacheUse { input_tokens, cached_tokens, saved, unknown_savings, is_partial };
            cache_in_words(&cache.into())
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(words(0, 0, 0), None);
        assert_eq!(words(954, 13_000_000, 0), some("95% of input from cache, saved $0.013"));
        assert_eq!(words(999, 0, 0), some(">99% of input from cache"));
        assert_eq!(words(954, 0, 2), some("95% of input from cache, savings unknown"));
        assert_eq!(
            words(954, 10_000_000, 2),
            some("95% of input from cache, saved $0.01 and an unknown amount")
        );
        assert_eq!(
            words(0, -10_000_000, 0),
            some("0% of input from cache, which cost $0.01 more than it saved")
        );
    }

    #[test]
    fn an_unknown_saving_is_not_zero() {
        let shown = |nanos, unknown| saving(Usd::from_nanos(nanos), unknown);
        assert_eq!(shown(0, 0), "$0.00");
        assert_eq!(shown(0, 1), "unknown");
        assert_eq!(shown(-10_000_000, 0), "-$0.01");
        assert_eq!(shown(10_000_000, 1), "$0.01 + unknown");
    }
}
