//! Reads one step: a verb and what follows it.

use super::lex::{Kind, Token, unescape};
use super::step::{Depth, Hidden, How, Listing, Of, Step, Text, Unit};

/// What was not understood: a piece of the step, or that something is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The piece that begins with this token.
    At(usize),
    /// Something should follow.
    Missing(&'static str),
}

type Read<T> = Result<T, Trouble>;

/// The verbs.
pub(super) const VERBS: &[&str] =
    &["list", "read", "write", "append", "count", "find", "run", "show", "search"];
const INTO: &[&str] = &["to", "into", "in", "as"];
const WITHIN: &[&str] = &["in", "of", "from", "under", "inside", "within"];
const PREVIOUS: &[&str] = &["it", "that", "them", "this"];
const OUTCOME: &[&str] = &[
    "output", "result", "results", "list", "listing", "content", "contents", "text", "answer",
    "matches", "lines", "names",
];

/// Reads one step.
pub(super) fn step(tokens: &[Token]) -> Read<Step> {
    let mut phrase = Phrase { tokens, at: 0 };
    phrase.skip(&["please", "first", "now", "next", "finally", "also", "i", "want", "you", "to"]);
    let verb = phrase.next().and_then(Token::keyword);
    let step = match verb.as_deref() {
        Some("list") => phrase.list()?,
        Some("read") => phrase.read()?,
        Some("write") => phrase.put(How::Write)?,
        Some("append") => phrase.put(How::Append)?,
        Some("count") => phrase.count()?,
        Some("find") => phrase.find()?,
        Some("run") => phrase.run()?,
        Some("show") => phrase.show()?,
        Some("search") => phrase.search()?,
        _ => return Err(Trouble::At(0)),
    };
    if phrase.at < tokens.len() {
        return Err(Trouble::At(phrase.at));
    }
    Ok(step)
}

/// A step being read.
struct Phrase<'a> {
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Phrase<'a> {
    fn peek(&self) -> Option<&'a Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<&'a Token> {
        let token = self.peek();
        self.at += usize::from(token.is_some());
        token
    }

    /// Passes one of these words, if it is next.
    fn eat(&mut self, words: &[&str]) -> bool {
        let found = self.peek().is_some_and(|token| token.is(words));
        self.at += usize::from(found);
        found
    }

    /// Passes these words one after the other, if they are next.
    fn eat_all(&mut self, words: &[&str]) -> bool {
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        let found = rest.len() >= words.len()
            && rest.iter().zip(words).all(|(token, word)| token.is(&[word]));
        self.at += if found { words.len() } else { 0 };
        found
    }

    fn skip(&mut self, words: &[&str]) {
        while self.eat(words) {}
    }

    /// Reads a word or a quoted text.
    fn name(&mut self, what: &'static str) -> Read<String> {
        match self.next().map(|token| &token.kind) {
            Some(Kind::Word(word)) => Ok(word.clone()),
            Some(Kind::Quoted { quote, raw }) => Ok(unescape(*quote, raw)),
            Some(Kind::Comma | Kind::Break) => Err(Trouble::At(self.at - 1)),
            None => Err(Trouble::Missing(what)),
        }
    }

    fn path(&mut self) -> Read<String> {
        self.skip(&["the", "file", "directory", "folder", "called", "named"]);
        self.name("a path")
    }

    /// Reads `here`, `this directory` or `the current directory`.
    fn here(&mut self) -> bool {
        const PLACES: &[&[&str]] = &[
            &["here"],
            &["this", "directory"],
            &["this", "folder"],
            &["the", "current", "directory"],
            &["the", "workspace"],
        ];
        PLACES.iter().any(|place| self.eat_all(place))
    }

    fn directory(&mut self) -> Read<String> {
        if self.here() {
            return Ok(".".to_owned());
        }
        self.path()
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
        let noun = self.eat(&[
            "files",
            "entries",
            "directories",
            "folders",
            "contents",
            "content",
            "everything",
        ]);
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
        Ok(Step::List(listing))
    }

    fn read(&mut self) -> Read<Step> {
        self.skip(&["the", "contents", "content", "text", "of"]);
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

    /// Reads what to write. A text has to be quoted: guessing where it ends would be guessing what
    /// to write.
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
        if self.previous() {
            return Ok(Text::Previous);
        }
        let begin = self.at;
        self.skip(&["the"]);
        if self.eat(&["count", "number", "total"]) {
            let unit = if self.eat(&["of"]) { self.how_many() } else { None };
            return Ok(Text::HowMany(unit));
        }
        Err(Trouble::At(begin))
    }

    fn how_many(&mut self) -> Option<Unit> {
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

    fn unit(&mut self) -> Option<Unit> {
        let unit = self.peek().and_then(Token::keyword);
        let unit = unit.and_then(|word| Unit::named(&word));
        self.at += usize::from(unit.is_some());
        unit
    }

    /// Reads `it`, `the output` and the like.
    fn previous(&mut self) -> bool {
        if self.eat(PREVIOUS) {
            return true;
        }
        let begin = self.at;
        self.skip(&["the", "its"]);
        if self.at > begin && self.eat(OUTCOME) {
            return true;
        }
        self.at = begin;
        false
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
        self.skip(&["all", "the", "every"]);
        if self.eat(&["files", "file"]) {
            if !self.eat(&["named", "called", "matching", "like"]) {
                return Err(Trouble::Missing("`named` and a pattern such as *.rs"));
            }
            let glob = self.name("a pattern such as *.rs")?;
            let path = self.place()?;
            return Ok(Step::FindFiles { glob, path });
        }
        self.skip(&["text", "word", "lines", "with", "containing", "string"]);
        let text = self.name("a quoted text, or `files named` and a pattern")?;
        let path = self.place()?;
        Ok(Step::FindText { text, path })
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
        self.skip(&["the", "command"]);
        match self.next().map(|token| &token.kind) {
            // A command keeps its backslashes: they are the shell's.
            Some(Kind::Quoted { raw, quote: '"' }) => {
                let command = raw.replace("\\\"", "\"");
                Ok(Step::Run { command })
            }
            Some(Kind::Quoted { raw, .. }) => Ok(Step::Run { command: raw.clone() }),
            _ => Err(Trouble::Missing("a command in quotes")),
        }
    }

    fn show(&mut self) -> Read<Step> {
        let begin = self.at;
        self.skip(&["me", "the", "all", "running"]);
        if self.eat(&["processes"]) {
            return self.processes();
        }
        let lists =
            self.peek().is_some_and(|t| t.is(&["files", "hidden", "entries", "directories"]));
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
