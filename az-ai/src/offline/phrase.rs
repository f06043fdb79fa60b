//! Parses one step: a verb and its arguments.

use super::cursor::{OUTCOME, PREVIOUS, Phrase, Read, SyntaxError, WITHIN};
use super::lex::{Kind, Token, has_escapes, unescape};
use super::step::{Depth, Hidden, How, Kinds, Listing, Of, Step, Text, Unit};
use super::verb::Verb;

const INTO: &[&str] = &["to", "into", "in", "as"];
/// Words before the verb that are ignored.
const POLITE: &[&str] = &[
    "please", "first", "now", "next", "finally", "also", "i", "want", "can", "could", "you", "to",
];
const DIRECTORIES: &[&str] = &["directories", "folders", "subdirectories", "subfolders"];
const ENTRIES: &[&str] = &["files", "entries", "contents", "content", "everything"];

/// Returns the verb at the beginning of a step, if it is known.
pub(super) fn verb(tokens: &[Token]) -> Option<Verb> {
    let mut phrase = Phrase { tokens, at: 0 };
    phrase.verb()
}

/// Parses one step.
pub(super) fn step(tokens: &[Token]) -> Read<Step> {
    let mut phrase = Phrase { tokens, at: 0 };
    let step = match phrase.verb().ok_or(SyntaxError::At(0))? {
        Verb::List => phrase.list()?,
        Verb::Read => phrase.read()?,
        Verb::Print => phrase.print()?,
        Verb::Show => phrase.show()?,
        Verb::Write => phrase.put(How::Write)?,
        Verb::Append => phrase.put(How::Append)?,
        Verb::Create => phrase.create()?,
        Verb::Count => phrase.count()?,
        Verb::HowMany if phrase.eat(&["many"]) => phrase.count()?,
        Verb::HowMany => return Err(SyntaxError::Missing("`many` and lines, words or files")),
        Verb::Find => phrase.find()?,
        Verb::Grep => phrase.grep()?,
        Verb::Run => phrase.run()?,
        Verb::Processes => phrase.processes()?,
        Verb::Search => phrase.search()?,
    };
    if phrase.at < tokens.len() {
        return Err(SyntaxError::At(phrase.at));
    }
    Ok(step)
}

impl Phrase<'_> {
    fn verb(&mut self) -> Option<Verb> {
        self.skip(POLITE);
        self.next().and_then(Token::keyword).and_then(|word| Verb::named(&word))
    }

    /// Parses the directory and the options of a listing, in any order.
    fn listing(&mut self) -> Read<Listing> {
        let mut listing = Listing::of(".");
        loop {
            if self.here() {
                ".".clone_into(&mut listing.path);
            } else if self.eat(&["recursively"]) {
                listing.depth = Depth::Recursive;
            } else if self.eat(&["including", "with"]) {
                self.skip(&["the"]);
                if !self.eat(&["hidden"]) {
                    return Err(SyntaxError::At(self.at));
                }
                self.skip(&["files", "ones"]);
                listing.hidden = Hidden::Included;
            } else if self.eat(WITHIN) {
                listing.path = self.directory()?;
            } else {
                return Ok(listing);
            }
        }
    }

    fn list(&mut self) -> Read<Step> {
        self.skip(&["me", "the", "all", "running"]);
        if self.eat(&["processes"]) {
            return self.processes();
        }
        let hidden = self.eat(&["hidden"]);
        let (noun, kinds) = self.kinds()?;
        let bare = !noun
            && !hidden
            && self.peek().is_some_and(|t| !t.is(WITHIN) && !t.is(&["here", "recursively"]));
        let path = if bare { Some(self.directory()?) } else { None };
        let mut listing = self.listing()?;
        if let Some(path) = path {
            listing.path = path;
        }
        if hidden {
            listing.hidden = Hidden::Included;
        }
        Ok(Step::List(Listing { kinds, ..listing }))
    }

    /// Parses which entries of a directory are listed, and whether that is specified.
    fn kinds(&mut self) -> Read<(bool, Kinds)> {
        let directories = self.eat(DIRECTORIES);
        if !directories && !self.eat(ENTRIES) {
            return Ok((false, Kinds::All));
        }
        if !self.eat(&["and"]) {
            return Ok((true, if directories { Kinds::Directories } else { Kinds::All }));
        }
        match self.eat(DIRECTORIES) || self.eat(ENTRIES) {
            true => Ok((true, Kinds::All)),
            false => Err(SyntaxError::At(self.at - 1)),
        }
    }

    fn read(&mut self) -> Read<Step> {
        let begin = self.at;
        // Accepts "the contents of a file", but not "the contents" alone.
        if self.previous() && !self.eat(&["of"]) {
            self.at = begin;
        }
        if self.eat(&["contents", "content", "text"]) {
            self.eat(&["of"]);
        }
        Ok(Step::Read { path: self.path()? })
    }

    fn put(&mut self, how: How) -> Read<Step> {
        let text = self.text()?;
        if !self.eat(INTO) {
            return match self.peek() {
                Some(_) => Err(SyntaxError::At(self.at)),
                None => Err(SyntaxError::Missing("`to` and a file")),
            };
        }
        let path = self.path()?;
        Ok(Step::Put { text, path, how })
    }

    /// Parses a path and the text to write.
    fn create(&mut self) -> Read<Step> {
        self.skip(&["a", "new", "the"]);
        if self.peek().is_some_and(|token| token.is(&["directory", "folder"])) {
            let why = "is not made by `create`, which makes files (`run \"mkdir …\"` does)";
            return Err(SyntaxError::Doubtful(self.at, why));
        }
        let path = self.path()?;
        if !self.eat(&["containing", "with", "saying"]) {
            return match self.peek() {
                Some(_) => Err(SyntaxError::At(self.at)),
                None => Err(SyntaxError::Missing("`containing` and a quoted text")),
            };
        }
        let begin = self.at;
        self.skip(&["the", "text", "content", "contents"]);
        if !self.is_quoted() {
            self.at = begin;
        }
        Ok(Step::Put { text: self.text()?, path, how: How::Write })
    }

    /// Parses the text to write. More than one word must be quoted, because the end of the text
    /// would be a guess.
    fn text(&mut self) -> Read<Text> {
        match self.peek().map(|token| &token.kind) {
            None => {
                return Err(SyntaxError::Missing("a quoted text, `it` or `how many there are`"));
            }
            Some(Kind::Quoted { quote, raw }) => {
                self.at += 1;
                return Ok(Text::Literal(unescape(*quote, raw)));
            }
            Some(_) => {}
        }
        if self.eat_all(&["how", "many"]) {
            return Ok(Text::HowMany(self.how_many()));
        }
        let begin = self.at;
        self.skip(&["the", "that", "this"]);
        if self.at > begin && self.eat(&["count", "number", "total"]) {
            let unit = if self.eat(&["of"]) { self.how_many() } else { None };
            return Ok(Text::HowMany(unit));
        }
        self.at = begin;
        if self.previous() {
            return Ok(Text::Previous);
        }
        self.word_as_text()
    }

    /// Parses a single word as the text to write, unless it may be a reference.
    fn word_as_text(&mut self) -> Read<Text> {
        const NO_TEXT: &[&[&str]] = &[
            OUTCOME,
            INTO,
            &["count", "number", "total", "everything", "all", "files", "nothing", "the", "its"],
        ];
        let begin = self.at;
        let Some(word) = self.word() else {
            return Err(SyntaxError::At(begin));
        };
        let stands_for = NO_TEXT.iter().any(|words| self.eat(words));
        self.at = begin + 1;
        if self.peek().is_some_and(|next| !next.is(INTO)) {
            return Err(SyntaxError::Doubtful(begin, "may be a text (put texts in quotes)"));
        }
        if stands_for || word.contains(['.', '/', '\\', '*', '?', '~', '$']) {
            let why = "may be a text or something else (texts stand in quotes; what a file says is \
                       `it` after `read FILE`)";
            return Err(SyntaxError::Doubtful(begin, why));
        }
        Ok(Text::Literal(word.to_owned()))
    }

    fn count(&mut self) -> Read<Step> {
        self.skip(&["how", "many", "the", "all", "number", "of"]);
        let Some(unit) = self.unit() else {
            if self.previous() {
                return Ok(Step::Count { unit: None, of: Of::Previous });
            }
            return match self.peek() {
                Some(_) => Err(SyntaxError::At(self.at)),
                None => Err(SyntaxError::Missing("lines, words, characters, bytes or files")),
            };
        };
        if self.eat(&["does", "do"]) {
            let of = Of::File(self.path()?);
            return match self.eat(&["have"]) {
                true => Ok(Step::Count { unit: Some(unit), of }),
                false => Err(SyntaxError::Missing("`have`")),
            };
        }
        self.skip(&["are", "is"]);
        let there = self.eat(&["there"]);
        self.skip(&["are", "is"]);
        if there && self.peek().is_none() {
            return Ok(Step::Count { unit: Some(unit), of: Of::Previous });
        }
        let begin = self.at;
        if self.eat(WITHIN) && self.previous() {
            return Ok(Step::Count { unit: Some(unit), of: Of::Previous });
        }
        self.at = begin;
        let of = match unit {
            Unit::Files | Unit::Directories => Of::Directory(self.listing()?),
            Unit::Lines | Unit::Words | Unit::Characters | Unit::Bytes => match self.eat(WITHIN) {
                true => Of::File(self.path()?),
                false => Of::Previous,
            },
        };
        Ok(Step::Count { unit: Some(unit), of })
    }

    fn find(&mut self) -> Read<Step> {
        self.skip(&["me", "all", "the", "every"]);
        let files = self.eat(&["files", "file"]);
        let named = files && self.eat(&["named", "called", "matching", "like"]);
        if named || self.is_pattern() {
            let glob = self.name("a pattern such as *.rs")?;
            self.eat(&["files"]);
            let path = self.place()?;
            return Ok(Step::FindFiles { glob, path });
        }
        if files {
            return Err(SyntaxError::Missing("`named` and a pattern such as *.rs"));
        }
        self.skip(&["text", "word", "lines", "with", "containing", "string"]);
        if self.word().is_some_and(|word| word.contains(['.', '/'])) {
            let why = "may be a text or a file (texts stand in quotes; files are found with `find \
                       files named`)";
            return Err(SyntaxError::Doubtful(self.at, why));
        }
        let text = self.sought()?;
        let path = self.place()?;
        Ok(Step::FindText { text, path })
    }

    fn grep(&mut self) -> Read<Step> {
        self.skip(&["for", "the", "text", "word"]);
        let text = self.sought()?;
        // As in the shell, the path may follow immediately.
        let path = match self.peek() {
            Some(next) if !next.is(WITHIN) && !self.here() => self.path()?,
            _ => self.place()?,
        };
        Ok(Step::FindText { text, path })
    }

    /// Parses the text to search for.
    fn sought(&mut self) -> Read<String> {
        self.no_option()?;
        if self.is_pattern() || self.peek().is_some_and(|token| token.is(PREVIOUS)) {
            return Err(SyntaxError::Doubtful(
                self.at,
                "may not be meant as a text (texts stand in quotes)",
            ));
        }
        self.name("a quoted text, or `files named` and a pattern")
    }

    /// Parses the directory to search; the current one if none is named.
    fn place(&mut self) -> Read<String> {
        if self.eat(WITHIN) {
            self.skip(&["files"]);
            self.skip(WITHIN);
            return self.directory();
        }
        self.here();
        Ok(".".to_owned())
    }

    fn run(&mut self) -> Read<Step> {
        let begin = self.at;
        if self.previous() {
            return Err(SyntaxError::Doubtful(begin, "is not a command (put commands in quotes)"));
        }
        self.skip(&["the", "command"]);
        let alone = self.at + 1 == self.tokens.len();
        let command = match self.next().map(|token| &token.kind) {
            // The backslashes of a command belong to the shell.
            Some(Kind::Quoted { raw, quote }) if has_escapes(*quote) => raw.replace("\\\"", "\""),
            Some(Kind::Quoted { raw, .. }) => raw.clone(),
            Some(Kind::Word(word)) if alone => word.clone(),
            _ => return Err(SyntaxError::Missing("a command in quotes")),
        };
        Ok(Step::Run { command })
    }

    fn print(&mut self) -> Read<Step> {
        match self.is_quoted() {
            true => Err(SyntaxError::Doubtful(
                self.at,
                "may be a text or a file (`read` takes a file in quotes)",
            )),
            false => self.read(),
        }
    }

    fn show(&mut self) -> Read<Step> {
        let begin = self.at;
        self.skip(&["me", "the", "all", "running"]);
        if self.eat(&["processes"]) {
            return self.processes();
        }
        let lists =
            self.peek().is_some_and(|t| t.is(&["files", "hidden", "entries"]) || t.is(DIRECTORIES));
        self.at = begin;
        if lists {
            return self.list();
        }
        self.skip(&["me"]);
        self.read()
    }

    fn processes(&mut self) -> Read<Step> {
        self.eat(&["here"]);
        let filter = match self.eat(&["named", "called", "matching", "like"]) {
            true => Some(self.name("a name")?),
            false => None,
        };
        Ok(Step::Processes { filter })
    }

    fn search(&mut self) -> Read<Step> {
        self.skip(&["documents", "for"]);
        let query = self.name("what to search for")?;
        let collection = if self.eat(&["in"]) {
            self.skip(&["the", "collection"]);
            Some(self.name("a collection")?)
        } else {
            None
        };
        Ok(Step::Search { query, collection })
    }
}
