//! Files of environment variables, as `--env-file` names them.

use std::path::Path;

use az_ai::source::SourceLocation;

use super::Env;
use super::problem::{ConfigError, ConfigProblem};

impl Env {
    /// Returns the environment with the variables of a file, as far as they are not set already.
    ///
    /// Each line is `NAME=VALUE`, with or without `export` before it. A value may be in single quotes, which
    /// keep it as it is, or in double quotes, where `\n`, `\"`, `\\` and `\$` are escapes. `#` begins a
    /// comment. Nothing is substituted.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or all lines that are not of this form, without their values.
    pub fn with_file(self, path: &Path) -> Result<Self, ConfigError> {
        self.with_file_of("--env-file", path)
    }

    /// Returns the environment with the variables of a file as [`with_file`](Self::with_file) does; `named_by` is
    /// what names the file, for errors.
    ///
    /// # Errors
    ///
    /// As [`with_file`](Self::with_file).
    pub(crate) fn with_file_of(mut self, named_by: &str, path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::Setting(format!("{named_by} {file}: {error}")))?;
        let mut problems = Vec::new();
        for (line, number) in text.lines().zip(1_usize..) {
            match variable(line) {
                Ok(Some((name, value))) => self.add(name, value),
                Ok(None) => {}
                Err(what) => {
                    let mut place = SourceLocation::start_of(&*file);
                    place.line = number;
                    problems.push(ConfigProblem::new(place, what));
                }
            }
        }
        if problems.is_empty() { Ok(self) } else { Err(ConfigError::Invalid(problems)) }
    }
}

fn variable(line: &str) -> Result<Option<(String, String)>, &'static str> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, value) = line.split_once('=').ok_or("expected NAME=VALUE")?;
    let name = name.trim();
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(legal) || name.starts_with(|c: char| c.is_ascii_digit())
    {
        return Err(
            "the name of a variable has letters, digits and _, and no digit at the beginning",
        );
    }
    Ok(Some((name.to_owned(), unquoted(value.trim())?)))
}

fn unquoted(value: &str) -> Result<String, &'static str> {
    let quote = value.chars().next().filter(|c| ['"', '\''].contains(c));
    let Some(quote) = quote else {
        let end = value.find(" #").unwrap_or(value.len());
        return Ok(value.get(..end).unwrap_or_default().trim_end().to_owned());
    };
    let mut text = String::new();
    let mut chars = value.chars();
    chars.next();
    while let Some(c) = chars.next() {
        match c {
            c if c == quote => {
                let rest = chars.as_str().trim();
                let is_comment = rest.is_empty() || rest.starts_with('#');
                return if is_comment { Ok(text) } else { Err("text behind the closing quote") };
            }
            '\\' if quote == '"' => match chars.next() {
                Some('n') => text.push('\n'),
                Some(c @ ('"' | '\\' | '$')) => text.push(c),
                _ => return Err("an escape in double quotes is \\n, \\\", \\\\ or \\$"),
            },
            c => text.push(c),
        }
    }
    Err("the quote is not closed on this line")
}

#[cfg(test)]
mod tests {
    use super::variable;

    #[test]
    fn lines_are_read_as_they_are_written() {
        for (line, expected) in [
            ("A=b", Some(("A", "b"))),
            ("export A = b # c", Some(("A", "b"))),
            ("A='b # $c'  # d", Some(("A", "b # $c"))),
            (r#"A="b\n\"c\"\$""#, Some(("A", "b\n\"c\"$"))),
            ("A=", Some(("A", ""))),
            ("A=a=b", Some(("A", "a=b"))),
            ("# A=b", None),
            ("  ", None),
        ] {
            let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(variable(line), Ok(expected), "{line}");
        }
        for line in ["A", "1A=b", "A B=c", "=b", "A=\"b", "A='b' c", r#"A="\x""#] {
            assert!(variable(line).is_err(), "{line}");
        }
    }
}
