//! Patterns of searches, with errors that say where they are wrong.

use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use ignore::overrides::{Override, OverrideBuilder};

/// Compiles a regular expression that matches within lines.
///
/// # Errors
///
/// What is wrong, where, and what to do, to be read after the name of the argument.
pub(super) fn regex(pattern: &str, ignore_case: bool) -> Result<RegexMatcher, String> {
    let advice = match pattern.contains('\n') || pattern.contains("\\n") {
        true => "a search looks at one line at a time; search for a part of one line",
        false => "to search for text as it is, write \\ before each of \\.+*?()|[]{}^$",
    };
    let invalid = |error: String| format!("is not a valid regular expression: {error}\n{advice}");
    // The matcher puts the pattern into a group, so that its errors name other places.
    let parsed = regex_syntax::ParserBuilder::new().utf8(false).build().parse(pattern);
    parsed.map_err(|error| invalid(error.to_string()))?;
    let mut builder = RegexMatcherBuilder::new();
    builder.multi_line(true).octal(false).case_insensitive(ignore_case);
    let built = builder.line_terminator(Some(b'\n')).build(pattern);
    built.map_err(|error| invalid(error.to_string()))
}

/// Compiles a pattern of paths, as in a line of `.gitignore`: without `/` it matches names in any
/// directory, and with `!` before it everything else.
///
/// # Errors
///
/// As for [`regex`].
pub(super) fn paths(pattern: &str) -> Result<Override, String> {
    if pattern.trim().is_empty() {
        return Err("must not be empty; `**` matches all files".to_owned());
    }
    let mut builder = OverrideBuilder::new("");
    let built = builder.add(pattern).and_then(|builder| builder.build());
    built.map_err(|error| {
        format!(
            "is not a valid pattern of paths: {error}; use one such as `*.rs` or `src/**/*.{{c,h}}`"
        )
    })
}
