//! Texts of one JSON value a line, as people write them too.

/// Returns the lines that say something, with their numbers from 1: empty ones and those that
/// begin with `#` do not.
pub(crate) fn told(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = (1..).zip(text.lines().map(str::trim));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}
