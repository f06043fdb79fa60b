//! What providers say in headers about how much more may be asked.

use std::time::Duration;

use reqwest::header::HeaderMap;

use crate::chat::RateLimits;

/// Reads OpenAI's headers, which most look-alikes have too.
pub(super) fn read(headers: &HeaderMap) -> RateLimits {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let count = |name: &str| text(name)?.parse().ok();
    let wait = |name: &str| duration(text(name)?);
    RateLimits {
        requests_left: count("x-ratelimit-remaining-requests"),
        requests_reset: wait("x-ratelimit-reset-requests"),
        tokens_left: count("x-ratelimit-remaining-tokens"),
        tokens_reset: wait("x-ratelimit-reset-tokens"),
    }
}

/// Reads a duration such as `6m0s`, `1.5s` or `120ms`.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = rest.split_at(digits);
        let end = unit.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(unit.len());
        let (unit, after) = unit.split_at(end);
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        sum = sum.checked_add(part)?;
        rest = after;
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::duration;

    #[test]
    fn durations_are_read_as_providers_write_them() {
        assert_eq!(duration("6m0s"), Some(Duration::from_mins(6)));
        assert_eq!(duration("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(duration("120ms"), Some(Duration::from_millis(120)));
        assert_eq!(duration("1h2m3s"), Some(Duration::from_secs(3723)));
        for text in ["", "soon", "5", "5x", "1e9999s", "99999999999999999999d"] {
            assert_eq!(duration(text), None, "{text:?}");
        }
    }
}
