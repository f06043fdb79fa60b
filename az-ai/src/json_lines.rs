//! Reads JSON Lines with comments and empty lines.

/// Returns the lines with their numbers from 1, without empty ones and those that begin with `#`.
pub(crate) fn told(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = (1..).zip(text.lines().map(str::trim));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}
