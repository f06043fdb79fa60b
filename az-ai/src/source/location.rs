//! A location in a file.

use std::fmt;

/// A location in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SourceLocation {
    /// The name of the file, as it is shown.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

impl SourceLocation {
    /// Returns the location of the first character of a file.
    pub fn start_of(file: impl Into<String>) -> Self {
        Self { file: file.into(), line: 1, column: 1 }
    }

    /// Returns the location of a byte of a file's text; that of its end if the text is shorter.
    pub fn in_text(file: &str, text: &str, offset: usize) -> Self {
        Self::start_of(file).advanced(text, offset)
    }

    /// Returns the location of a byte of a text that begins at this location.
    #[must_use]
    pub fn advanced(&self, text: &str, offset: usize) -> Self {
        let before = text.char_indices().take_while(|(i, _)| *i < offset).map(|(_, c)| c);
        let (line, column) = before.fold((self.line, self.column), |(line, column), c| match c {
            '\n' => (line + 1, 1),
            _ => (line, column + 1),
        });
        Self { file: self.file.clone(), line, column }
    }
}

/// Writes `file:line:column`.
impl fmt::Display for SourceLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
