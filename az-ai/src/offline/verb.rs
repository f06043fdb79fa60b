//! The verbs of the command language.

use std::collections::BTreeSet;

/// A verb. Synonyms are one verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    List,
    Read,
    Print,
    Show,
    Write,
    Append,
    Create,
    Count,
    HowMany,
    Find,
    Grep,
    Run,
    Processes,
    Search,
}

/// The verbs by their words.
const WORDS: &[(&str, Verb)] = &[
    ("list", Verb::List),
    ("ls", Verb::List),
    ("read", Verb::Read),
    ("cat", Verb::Read),
    ("open", Verb::Read),
    ("print", Verb::Print),
    ("show", Verb::Show),
    ("write", Verb::Write),
    ("save", Verb::Write),
    ("put", Verb::Write),
    ("append", Verb::Append),
    ("add", Verb::Append),
    ("create", Verb::Create),
    ("count", Verb::Count),
    ("how", Verb::HowMany),
    ("find", Verb::Find),
    ("grep", Verb::Grep),
    ("run", Verb::Run),
    ("execute", Verb::Run),
    ("ps", Verb::Processes),
    ("search", Verb::Search),
];

/// The verbs that represent the language in short descriptions.
const MAIN: &[Verb] = &[
    Verb::List,
    Verb::Read,
    Verb::Write,
    Verb::Append,
    Verb::Count,
    Verb::Find,
    Verb::Run,
    Verb::Processes,
    Verb::Search,
];

impl Verb {
    /// Returns the verb for a word.
    pub(super) fn named(word: &str) -> Option<Self> {
        WORDS.iter().find(|(name, _)| *name == word).map(|(_, verb)| *verb)
    }

    /// Returns an example step for the verb that these tools can execute; that of another verb if
    /// its own cannot be executed.
    pub(super) fn example(verb: Option<Self>, offered: &BTreeSet<&str>) -> Option<&'static str> {
        let all = verb.into_iter().chain(MAIN.iter().copied());
        let mut examples = all.map(Self::sample).filter(|(tool, _)| offered.contains(tool));
        examples.next().map(|(_, example)| example)
    }

    /// Returns the words of the verbs that these tools can execute.
    pub(super) fn known(offered: &BTreeSet<&str>) -> Vec<&'static str> {
        let usable = MAIN.iter().map(|verb| verb.sample());
        let usable = usable.filter(|(tool, _)| offered.contains(tool));
        usable.filter_map(|(_, example)| example.split(' ').next()).collect()
    }

    /// Returns an example step for the verb, and the tool that it calls.
    const fn sample(self) -> (&'static str, &'static str) {
        match self {
            Self::List => ("filesystem.list", "list the files in src"),
            Self::Read | Self::Print | Self::Show => ("filesystem.read", "read notes.txt"),
            Self::Write => ("filesystem.write", "write \"hello\" to notes.txt"),
            Self::Append => ("filesystem.write", "append \"done\" to log.txt"),
            Self::Create => ("filesystem.write", "create notes.txt containing \"hello\""),
            Self::Count => ("filesystem.read", "count the lines in notes.txt"),
            Self::HowMany => ("filesystem.read", "how many lines are in notes.txt"),
            Self::Find => ("filesystem.list", "find files named *.rs in src"),
            Self::Grep => ("shell.execute", "grep \"TODO\" in src"),
            Self::Run => ("shell.execute", "run \"uname -sr\""),
            Self::Processes => ("process.list", "show processes"),
            Self::Search => ("semantic.search", "search for \"budgets\""),
        }
    }
}
