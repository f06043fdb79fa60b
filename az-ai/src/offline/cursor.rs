//! Reads the tokens of a step in order.

use super::lex::{Kind, Token, unescape};
use super::step::Unit;

/// The part of a step that cannot be parsed, or is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SyntaxError {
    /// The part that begins with this token is not understood.
    At(usize),
    /// The part that begins with this token is ambiguous, or cannot be executed.
    Doubtful(usize, &'static str),
    /// Something must follow.
    Missing(&'static str),
}

pub(super) type Read<T> = Result<T, SyntaxError>;

pub(super) const WITHIN: &[&str] = &["in", "of", "from", "under", "inside", "within"];
/// Words for the previous step's result.
pub(super) const PREVIOUS: &[&str] = &["it", "that", "them", "this"];
/// Words for the previous step's result, after `the`.
pub(super) const OUTCOME: &[&str] = &[
    "output", "result", "results", "list", "listing", "content", "contents", "text", "answer",
    "matches", "lines", "names",
];

/// A step that is being parsed.
pub(super) struct Phrase<'a> {
    pub(super) tokens: &'a [Token],
    pub(super) at: usize,
}

impl<'a> Phrase<'a> {
    pub(super) fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn next(&mut self) -> Option<&'a Token> {
        let token = self.peek();
        self.at += usize::from(token.is_some());
        token
    }

    /// Consumes one of these words, if it is next.
    pub(super) fn eat(&mut self, words: &[&str]) -> bool {
        let found = self.peek().is_some_and(|token| token.is(words));
        self.at += usize::from(found);
        found
    }

    /// Consumes these words in order, if they are next.
    pub(super) fn eat_all(&mut self, words: &[&str]) -> bool {
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        let found = rest.len() >= words.len()
            && rest.iter().zip(words).all(|(token, word)| token.is(&[word]));
        self.at += if found { words.len() } else { 0 };
        found
    }

    pub(super) fn skip(&mut self, words: &[&str]) {
        while self.eat(words) {}
    }

    /// Parses a word or a quoted text.
    pub(super) fn name(&mut self, what: &'static str) -> Read<String> {
        match self.next().map(|token| &token.kind) {
            Some(Kind::Word(word)) => Ok(word.clone()),
            Some(Kind::Quoted { quote, raw }) => Ok(unescape(*quote, raw)),
            Some(Kind::Comma | Kind::Break) => Err(SyntaxError::At(self.at - 1)),
            None => Err(SyntaxError::Missing(what)),
        }
    }

    /// Returns the next token, if it is a word.
    pub(super) fn word(&self) -> Option<&'a str> {
        match &self.peek()?.kind {
            Kind::Word(word) => Some(word),
            Kind::Quoted { .. } | Kind::Comma | Kind::Break => None,
        }
    }

    /// Whether a quoted text is next.
    pub(super) fn is_quoted(&self) -> bool {
        self.peek().is_some_and(|token| matches!(token.kind, Kind::Quoted { .. }))
    }

    /// Whether a pattern is next, such as `*.rs`.
    pub(super) fn is_pattern(&self) -> bool {
        self.word().is_some_and(|word| word.contains(['*', '?']))
    }

    /// Parses a path. An ambiguous one must be quoted.
    pub(super) fn path(&mut self) -> Read<String> {
        let begin = self.at;
        if self.previous() {
            return Err(SyntaxError::Doubtful(
                begin,
                "names no file (what a step comes to is shown anyway; a file of that name stands \
                 in quotes)",
            ));
        }
        self.skip(&["the", "file", "directory", "folder", "called", "named"]);
        if self.is_pattern() {
            return Err(SyntaxError::Doubtful(
                self.at,
                "is a pattern and not one path (`find files named` knows patterns)",
            ));
        }
        self.no_option()?;
        self.name("a path")
    }

    /// Rejects what looks like an option of a shell command.
    pub(super) fn no_option(&self) -> Read<()> {
        match self.word().is_some_and(|word| word.starts_with('-')) {
            true => Err(SyntaxError::Doubtful(
                self.at,
                "looks like an option (a shell command stands in quotes after `run`)",
            )),
            false => Ok(()),
        }
    }

    /// Parses `here`, `this directory` or `the current directory`.
    pub(super) fn here(&mut self) -> bool {
        const PLACES: &[&[&str]] = &[
            &["here"],
            &["this", "directory"],
            &["this", "folder"],
            &["the", "current", "directory"],
            &["the", "workspace"],
        ];
        PLACES.iter().any(|place| self.eat_all(place))
    }

    pub(super) fn directory(&mut self) -> Read<String> {
        if self.here() {
            return Ok(".".to_owned());
        }
        self.path()
    }

    pub(super) fn how_many(&mut self) -> Option<Unit> {
        const ENDS: &[&[&str]] = &[
            &["there", "are"],
            &["there", "were"],
            &["it", "has"],
            &["it", "is"],
            &["they", "are"],
            &["were", "found"],
        ];
        self.skip(&["the"]);
        let unit = self.unit();
        ENDS.iter().any(|end| self.eat_all(end));
        unit
    }

    pub(super) fn unit(&mut self) -> Option<Unit> {
        let unit = self.peek().and_then(Token::keyword);
        let unit = unit.and_then(|word| Unit::named(&word));
        self.at += usize::from(unit.is_some());
        unit
    }

    /// Parses `it`, `the output` and similar references.
    pub(super) fn previous(&mut self) -> bool {
        let begin = self.at;
        if self.eat(PREVIOUS) {
            // Either "that output" or "that" alone.
            self.eat(OUTCOME);
            return true;
        }
        self.skip(&["the", "its"]);
        if self.at > begin && self.eat(OUTCOME) {
            return true;
        }
        self.at = begin;
        false
    }
}
