//! Splits a command into words, quoted texts and breaks.

/// A token of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// The position in the command, in bytes.
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    Word(String),
    Quoted {
        quote: char,
        raw: String,
    },
    Comma,
    /// A semicolon or the end of a line.
    Break,
}

/// An unclosed quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unclosed {
    pub(super) start: usize,
}

impl Token {
    /// Returns the word in lower case, if it is one.
    pub(super) fn keyword(&self) -> Option<String> {
        match &self.kind {
            Kind::Word(word) => Some(word.to_lowercase()),
            Kind::Quoted { .. } | Kind::Comma | Kind::Break => None,
        }
    }

    /// Whether the token is one of these words.
    pub(super) fn is(&self, words: &[&str]) -> bool {
        self.keyword().is_some_and(|word| words.contains(&word.as_str()))
    }
}

/// Splits a command into tokens.
pub(super) fn tokens(command: &str) -> Result<Vec<Token>, Unclosed> {
    let mut tokens = Vec::new();
    let mut rest = command;
    while let Some(first) = rest.chars().next() {
        let start = command.len() - rest.len();
        let (kind, after) = match first {
            '\n' | ';' => (Some(Kind::Break), cut(rest, 1)),
            ',' => (Some(Kind::Comma), cut(rest, 1)),
            space if space.is_whitespace() => (None, cut(rest, space.len_utf8())),
            quote => match closing(quote) {
                Some(_) => {
                    let text = cut(rest, quote.len_utf8());
                    let (raw, after) = quoted(text, quote).ok_or(Unclosed { start })?;
                    let raw = raw.to_owned();
                    (Some(Kind::Quoted { quote, raw }), after)
                }
                None => {
                    let (word, after) = rest.split_at(word_end(rest));
                    (Some(Kind::Word(word.to_owned())), after)
                }
            },
        };
        let end = command.len() - after.len();
        tokens.extend(kind.map(|kind| Token { kind, start, end }));
        rest = after;
    }
    Ok(tokens)
}

/// Returns the closing quote for an opening one.
const fn closing(quote: char) -> Option<char> {
    Some(match quote {
        '"' | '\'' | '`' => quote,
        '“' | '”' => '”',
        '„' => '“',
        '‘' => '’',
        _ => return None,
    })
}

/// Whether backslashes are escapes within this quote.
pub(super) const fn has_escapes(quote: char) -> bool {
    matches!(quote, '"' | '“' | '”' | '„')
}

/// Returns the text up to the closing quote, and the rest. In `"…"` a backslash escapes the next
/// character.
fn quoted(text: &str, quote: char) -> Option<(&str, &str)> {
    let end = closing(quote)?;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if c == end {
            return Some((text.get(..at)?, cut(text, at + c.len_utf8())));
        } else {
            escaped = has_escapes(quote) && c == '\\';
        }
    }
    None
}

/// Returns the end of a word: a blank, a semicolon, or a comma before a blank or the end.
fn word_end(text: &str) -> usize {
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, c)| *c);
        let ends =
            c.is_whitespace() || c == ';' || (c == ',' && next.is_none_or(char::is_whitespace));
        if ends && at > 0 {
            return at;
        }
    }
    text.len()
}

fn cut(text: &str, at: usize) -> &str {
    text.get(at..).unwrap_or_default()
}

/// Unescapes a quoted text: in `"…"` and `“…”`, `
/// `, `\t`, `\"` and `\\` have their usual meanings, and any other backslash is kept.
pub(super) fn unescape(quote: char, raw: &str) -> String {
    if !has_escapes(quote) {
        return raw.to_owned();
    }
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => text.push('\n'),
            Some('t') => text.push('\t'),
            Some(same) if same == '"' || same == '\\' || closing(quote) == Some(same) => {
                text.push(same);
            }
            Some(other) => text.extend(['\\', other]),
            None => text.push('\\'),
        }
    }
    text
}
