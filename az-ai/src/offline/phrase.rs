//! Reads one step: a verb and what follows it.

use super::cursor::{OUTCOME, PREVIOUS, Phrase, Read, Trouble, WITHIN};
use super::lex::{Kind, Token, knows_escapes, unescape};
use super::step::{Depth, Hidden, How, Kinds, Listing, Of, Step, Text, Unit};
use super::verb::Verb;

const INTO: &[&str] = &["to", "into", "in", "as"];
/// Words before the verb that say nothing.
const POLITE: &[&str] = &[
    "please", "first", "now", "next", "finally", "also", "i", "want", "can", "could", "you", "to",
];
const DIRECTORIES: &[&str] = &["directories", "folders", "subdirectories", "subfolders"];
const ENTRIES: &[&str] = &["files", "entries", "contents", "content", "everything"];

/// Returns the verb that a step begins with, if it is known.
pub(super) fn verb(tokens: &[Token]) -> Option<Verb> {
    let mut phrase = Phrase { tokens, at: 0 };
    phrase.verb()
}

/// Reads one step.
pub(super) fn step(tokens: &[Token]) -> Read<Step> {
    let mut phrase = Phrase { tokens, at: 0 };
    let step = match phrase.verb().ok_or(Trouble::At(0))? {
        Verb::List => phrase.list()?,
        Verb::Read => phrase.read()?,
        Verb::Print => phrase.print()?,
        Verb::Show => phrase.show()?,
        Verb::Write => phrase.put(How::Write)?,
        Verb::Append => phrase.put(How::Append)?,
        Verb::Create => phrase.create()?,
        Verb::Count => phrase.count()?,
        Verb::HowMany if phrase.eat(&["many"]) => phrase.count()?,
        Verb::HowMany => return Err(Trouble::Missing("`many` and lines, words or files")),
        Verb::Find => phrase.find()?,
        Verb::Grep => phrase.grep()?,
        Verb::Run => phrase.run()?,
        Verb::Processes => phrase.processes()?,
        Verb::Search => phrase.search()?,
    };
    if phrase.at < tokens.len() {
        return Err(Trouble::At(phrase.at));
    }
    Ok(step)
}

impl Phrase<'_> {
    fn verb(&mut self) -> Option<Verb> {
        self.skip(POLITE);
        self.next().and_then(Token::keyword).and_then(|word| Verb::named(&word))
    }

    /// Reads where to list and how, in any order.
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
                    return Err(Trouble::At(self.at));
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

    /// Reads what of a directory is to be listed, and whether anything is said of that.
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
            false => Err(Trouble::At(self.at - 1)),
        }
    }

    fn read(&mut self) -> Read<Step> {
        let begin = self.at;
        // "the contents of a file", but not "the contents" alone.
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
                Some(_) => Err(Trouble::At(self.at)),
                None => Err(Trouble::Missing("`to` and a file")),
            };
        }
        let path = self.path()?;
        Ok(Step::Put { text, path, how })
    }

    /// Reads a path and what to write there.
    fn create(&mut self) -> Read<Step> {
        self.skip(&["a", "new", "the"]);
        if self.peek().is_some_and(|token| token.is(&["directory", "folder"])) {
            let why = "is not made by `create`, which makes files (`run \"mkdir …\"` does)";
            return Err(Trouble::Doubtful(self.at, why));
        }
        let path = self.path()?;
        if !self.eat(&["containing", "with", "saying"]) {
            return match self.peek() {
                Some(_) => Err(Trouble::At(self.at)),
                None => Err(Trouble::Missing("`containing` and a quoted text")),
            };
        }
        let begin = self.at;
        self.skip(&["the", "text", "content", "contents"]);
        if !self.is_quoted() {
            self.at = begin;
        }
        Ok(Step::Put { text: self.text()?, path, how: How::Write })
    }

    /// Reads what to write. A text of more than one word has to be quoted: guessing where it ends
    /// would be guessing what to write.
    fn text(&mut self) -> Read<Text> {
        match self.peek().map(|token| &token.kind) {
            None => {
                return Err(Trouble::Missing("a quoted text, `it` or `how many there are`"));
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

    /// Reads a single word as the text that it is, unless it may stand for something.
    fn word_as_text(&mut self) -> Read<Text> {
        const NO_TEXT: &[&[&str]] = &[
            OUTCOME,
            INTO,
            &["count", "number", "total", "everything", "all", "files", "nothing", "the", "its"],
        ];
        let begin = self.at;
        let Some(word) = self.word() else {
            return Err(Trouble::At(begin));
        };
        let stands_for = NO_TEXT.iter().any(|words| self.eat(words));
        self.at = begin + 1;
        if self.peek().is_some_and(|next| !next.is(INTO)) {
            return Err(Trouble::Doubtful(begin, "may be a text (texts stand in quotes)"));
        }
        if stands_for || word.contains(['.', '/', '\\', '*', '?', '~', '$']) {
            let why = "may be a text or something else (texts stand in quotes; what a file says is \
                       `it` after `read FILE`)";
            return Err(Trouble::Doubtful(begin, why));
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
                Some(_) => Err(Trouble::At(self.at)),
                None => Err(Trouble::Missing("lines, words, characters, bytes or files")),
            };
        };
        if self.eat(&["does", "do"]) {
            let of = Of::File(self.path()?);
            return match self.eat(&["have"]) {
                true => Ok(Step::Count { unit: Some(unit), of }),
                false => Err(Trouble::Missing("`have`")),
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
            return Err(Trouble::Missing("`named` and a pattern such as *.rs"));
        }
        self.skip(&["text", "word", "lines", "with", "containing", "string"]);
        if self.word().is_some_and(|word| word.contains(['.', '/'])) {
            let why = "may be a text or a file (texts stand in quotes; files are found with `find \
                       files named`)";
            return Err(Trouble::Doubtful(self.at, why));
        }
        let text = self.sought()?;
        let path = self.place()?;
        Ok(Step::FindText { text, path })
    }

    fn grep(&mut self) -> Read<Step> {
        self.skip(&["for", "the", "text", "word"]);
        let text = self.sought()?;
        // As in the shell, the path may follow right away.
        let path = match self.peek() {
            Some(next) if !next.is(WITHIN) && !self.here() => self.path()?,
            _ => self.place()?,
        };
        Ok(Step::FindText { text, path })
    }

    /// Reads the text to look for.
    fn sought(&mut self) -> Read<String> {
        self.no_option()?;
        if self.is_pattern() || self.peek().is_some_and(|token| token.is(PREVIOUS)) {
            return Err(Trouble::Doubtful(
                self.at,
                "may not be meant as a text (texts stand in quotes)",
            ));
        }
        self.name("a quoted text, or `files named` and a pattern")
    }

    /// Reads a directory to look in; this one if none is named.
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
            return Err(Trouble::Doubtful(begin, "is no command (commands stand in quotes)"));
        }
        self.skip(&["the", "command"]);
        let alone = self.at + 1 == self.tokens.len();
        let command = match self.next().map(|token| &token.kind) {
            // A command keeps its backslashes: they are the shell's.
            Some(Kind::Quoted { raw, quote }) if knows_escapes(*quote) => raw.replace("\\\"", "\""),
            Some(Kind::Quoted { raw, .. }) => raw.clone(),
            Some(Kind::Word(word)) if alone => word.clone(),
            _ => return Err(Trouble::Missing("a command in quotes")),
        };
        Ok(Step::Run { command })
    }

    fn print(&mut self) -> Read<Step> {
        match self.is_quoted() {
            true => Err(Trouble::Doubtful(
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
