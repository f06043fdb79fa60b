//! Reads rate limits from response headers.

use std::time::{Duration, SystemTime};

use az_core::Timestamp;
use reqwest::header::{DATE, HeaderMap};

use crate::chat::RateLimits;

/// Reads the headers of any provider.
pub(super) fn read(headers: &HeaderMap) -> RateLimits {
    let limits = common(headers);
    if limits == RateLimits::default() { anthropic(headers) } else { limits }
}

/// Reads OpenAI's headers, which most compatible servers have too.
fn common(headers: &HeaderMap) -> RateLimits {
    let wait = |name: &str| duration(text(headers, name)?);
    RateLimits {
        requests_left: count(headers, "x-ratelimit-remaining-requests"),
        requests_reset: wait("x-ratelimit-reset-requests"),
        tokens_left: count(headers, "x-ratelimit-remaining-tokens"),
        tokens_reset: wait("x-ratelimit-reset-tokens"),
    }
}

/// Reads Anthropic's headers. The token count is that of the limit that is closest to exhaustion.
fn anthropic(headers: &HeaderMap) -> RateLimits {
    let wait = |name: &str| until(text(headers, name)?, text(headers, DATE.as_str())?);
    RateLimits {
        requests_left: count(headers, "anthropic-ratelimit-requests-remaining"),
        requests_reset: wait("anthropic-ratelimit-requests-reset"),
        tokens_left: count(headers, "anthropic-ratelimit-tokens-remaining"),
        tokens_reset: wait("anthropic-ratelimit-tokens-reset"),
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn count(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

/// Returns the duration until a time such as `2026-10-21T07:28:00Z` from the date of the response,
/// so the local clock does not matter.
fn until(time: &str, date: &str) -> Option<Duration> {
    let time = SystemTime::from(time.parse::<Timestamp>().ok()?);
    let date = httpdate::parse_http_date(date).ok()?;
    Some(time.duration_since(date).unwrap_or_default())
}

/// Parses a duration such as `6m0s`, `1.5s` or `120ms`.
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

    use reqwest::header::HeaderMap;

    use super::{duration, read};
    use crate::chat::RateLimits;

    fn limits(pairs: &[(&'static str, &str)]) -> RateLimits {
        let headers: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        read(&headers)
    }

    #[test]
    fn headers_of_openai_and_anthropic_are_read() {
        assert_eq!(limits(&[]), RateLimits::default());
        let expected = RateLimits {
            requests_left: Some(9),
            requests_reset: Some(Duration::from_secs(30)),
            tokens_left: Some(800),
            tokens_reset: Some(Duration::from_secs(90)),
        };
        let common = limits(&[
            ("x-ratelimit-remaining-requests", "9"),
            ("x-ratelimit-reset-requests", "30s"),
            ("x-ratelimit-remaining-tokens", "800"),
            ("x-ratelimit-reset-tokens", "1m30s"),
        ]);
        assert_eq!(common, expected);
        let anthropic = limits(&[
            ("date", "Wed, 21 Oct 2026 07:27:30 GMT"),
            ("anthropic-ratelimit-requests-remaining", "9"),
            ("anthropic-ratelimit-requests-reset", "2026-10-21T07:28:00Z"),
            ("anthropic-ratelimit-tokens-remaining", "800"),
            ("anthropic-ratelimit-tokens-reset", "2026-10-21T09:29:00+02:00"),
        ]);
        assert_eq!(anthropic, expected);
    }

    #[test]
    fn a_time_needs_the_date_and_a_past_one_is_zero() {
        let reset = ("anthropic-ratelimit-requests-reset", "2026-10-21T07:28:00Z");
        let wait = |pairs: &[(&'static str, &str)]| limits(pairs).requests_reset;
        assert_eq!(wait(&[reset]), None);
        let late = ("date", "Wed, 21 Oct 2026 07:28:01 GMT");
        assert_eq!(wait(&[reset, late]), Some(Duration::ZERO));
        assert_eq!(wait(&[("anthropic-ratelimit-requests-reset", "soon"), late]), None);
    }

    #[test]
    fn durations_are_parsed() {
        assert_eq!(duration("6m0s"), Some(Duration::from_mins(6)));
        assert_eq!(duration("1.5s"), Some(Duration::from_millis(1500)));
        assert_eq!(duration("120ms"), Some(Duration::from_millis(120)));
        assert_eq!(duration("1h2m3s"), Some(Duration::from_secs(3723)));
        for text in ["", "soon", "5", "5x", "1e9999s", "99999999999999999999d"] {
            assert_eq!(duration(text), None, "{text:?}");
        }
    }
}
