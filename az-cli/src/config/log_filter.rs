//! Filters of log records, as `RUST_LOG` has them.

use az_ai::resolver::near;
use tracing_subscriber::filter::{LevelFilter, Targets};

/// The target of the records of the library of MCP, which quote what servers say.
pub(crate) const PROTOCOL: &str = "rmcp";

/// The names of levels in filters.
const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

/// Parses a filter: a level, and `target=level` for parts of the program, separated by commas. A target alone has
/// all levels.
///
/// # Errors
///
/// What is wrong with which part.
pub fn parse_log_filter(text: &str) -> Result<Targets, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return Err("must be a filter, such as info or warn,az_core=debug".to_owned());
    }
    parts.try_for_each(check)?;
    let parsed = text.replace(' ', "").parse();
    let targets: Targets = parsed.map_err(|error| format!("must be a filter: {error}"))?;
    Ok(if text.contains(PROTOCOL) { targets } else { with_usual_limits(targets) })
}

/// Returns a filter without the records in which the library of MCP repeats each message of a server.
pub(crate) fn with_usual_limits(targets: Targets) -> Targets {
    match targets.default_level() {
        Some(level) if level > LevelFilter::WARN => {
            targets.with_target(PROTOCOL, LevelFilter::WARN)
        }
        _ => targets,
    }
}

fn check(part: &str) -> Result<(), String> {
    if part.contains(['[', '{', '/']) {
        let text =
            "filters by span or by text are not supported; `az log show --grep TEXT` finds text";
        return Err(format!("{part:?}: {text}"));
    }
    let is_level = |word: &str| LEVELS.iter().any(|level| level.eq_ignore_ascii_case(word));
    let likely = |word: &str| near(word, LEVELS.into_iter()).into_iter().next();
    match part.split_once('=') {
        Some(("", _)) => Err(format!("{part:?} has no target before the `=`")),
        Some((_, level)) if is_level(level) => Ok(()),
        None if is_level(part) => Ok(()),
        Some((_, word)) => {
            let known = LEVELS.join(", ");
            let likely = likely(word).map_or_else(String::new, |l| format!("; did you mean {l}?"));
            Err(format!("unknown level {word:?} in {part:?}; levels are {known}{likely}"))
        }
        // A target alone, unless it is a level with a typing error.
        None => match likely(part)
            .filter(|level| !part.contains("::") && level.len() + 1 >= part.len())
        {
            Some(level) => Err(format!(
                "unknown level {part:?}; did you mean {level}? A target is written {part}=trace"
            )),
            None => Ok(()),
        },
    }
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::parse_log_filter;

    #[test]
    fn filters_are_those_of_rust_log() {
        let filter = parse_log_filter("warn, az_core=debug,az::run=off, hyper").unwrap();
        for (target, level, expected) in [
            ("az_ai", Level::INFO, false),
            ("az_ai", Level::WARN, true),
            ("az_core::engine", Level::DEBUG, true),
            ("az::run", Level::ERROR, false),
            ("hyper", Level::TRACE, true),
        ] {
            assert_eq!(filter.would_enable(target, &level), expected, "{target} {level}");
        }
        let off = parse_log_filter("off").unwrap();
        assert!(!off.would_enable("az_core", &Level::ERROR));
    }

    #[test]
    fn an_invalid_filter_is_refused_with_the_part_that_is_wrong() {
        for (text, message) in [
            ("", "must be a filter, such as info or warn,az_core=debug"),
            ("wran", "unknown level \"wran\"; did you mean warn? A target is written wran=trace"),
            (
                "info,az=debgu",
                "unknown level \"debgu\" in \"az=debgu\"; levels are off, error, warn, info, debug, \
                 trace; did you mean debug?",
            ),
            ("=info", "\"=info\" has no target before the `=`"),
        ] {
            assert_eq!(parse_log_filter(text).unwrap_err(), message);
        }
        let spans = parse_log_filter("[run]=debug").unwrap_err();
        assert!(spans.contains("filters by span"), "{spans}");
    }
}
