//! What a command asks for, step by step.

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// List a directory.
    List(Listing),
    /// Read a file.
    Read { path: String },
    /// Write or append to a file.
    Put { text: Text, path: String, how: How },
    /// Count something in a file, a directory or what came before.
    Count { unit: Option<Unit>, of: Of },
    /// Find lines with a text.
    FindText { text: String, path: String },
    /// Find files by name.
    FindFiles { glob: String, path: String },
    /// Run a command.
    Run { command: String },
    /// List processes.
    Processes { filter: Option<String> },
    /// Search documents by meaning.
    Search { query: String, collection: Option<String> },
}

/// What to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) path: String,
    pub(super) depth: Depth,
    pub(super) hidden: Hidden,
    pub(super) kinds: Kinds,
}

/// What of a directory is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kinds {
    All,
    Directories,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    Flat,
    Recursive,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    Excluded,
    Included,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Write,
    Append,
}

/// What to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    /// This.
    Literal(String),
    /// What the step before came to.
    Previous,
    /// How many of something, or of whatever it is, the step before came to.
    HowMany(Option<Unit>),
}

/// What to count in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Of {
    File(String),
    Directory(Listing),
    Previous,
}

/// What to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Lines,
    Words,
    Characters,
    Bytes,
    Files,
    Directories,
}

impl Unit {
    /// Returns the unit that a word names.
    pub(super) fn named(word: &str) -> Option<Self> {
        Some(match word {
            "line" | "lines" | "matches" | "results" | "processes" | "entries" => Self::Lines,
            "word" | "words" => Self::Words,
            "character" | "characters" | "chars" | "letters" => Self::Characters,
            "byte" | "bytes" => Self::Bytes,
            "file" | "files" => Self::Files,
            "directory" | "directories" | "folder" | "folders" => Self::Directories,
            _ => return None,
        })
    }

    /// Returns the word for several of it.
    pub(super) const fn many(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Words => "words",
            Self::Characters => "characters",
            Self::Bytes => "bytes",
            Self::Files => "files",
            Self::Directories => "directories",
        }
    }

    /// Says how many of it.
    pub(super) fn say(self, count: usize) -> String {
        match (self, count) {
            (Self::Directories, 1) => "1 directory".to_owned(),
            (unit, 1) => format!("1 {}", unit.many().trim_end_matches('s')),
            (unit, count) => format!("{count} {}", unit.many()),
        }
    }
}

impl Listing {
    /// Returns a listing of one directory, without what is hidden in it.
    pub(super) fn of(path: impl Into<String>) -> Self {
        let path = path.into();
        Self { path, depth: Depth::Flat, hidden: Hidden::Excluded, kinds: Kinds::All }
    }
}

impl Step {
    /// Whether the step needs what the step before came to.
    pub(super) const fn refers_back(&self) -> bool {
        matches!(
            self,
            Self::Put { text: Text::Previous | Text::HowMany(_), .. }
                | Self::Count { of: Of::Previous, .. }
        )
    }

    /// Returns the tool that the step takes, if it takes one.
    pub(super) const fn tool(&self) -> Option<&'static str> {
        Some(match self {
            Self::List(_) | Self::FindFiles { .. } => "filesystem.list",
            Self::Count { of: Of::Directory(_), .. } => "filesystem.list",
            Self::Read { .. } | Self::Count { of: Of::File(_), .. } => "filesystem.read",
            Self::Put { .. } => "filesystem.write",
            Self::FindText { .. } | Self::Run { .. } => "shell.execute",
            Self::Processes { .. } => "process.list",
            Self::Search { .. } => "semantic.search",
            Self::Count { of: Of::Previous, .. } => return None,
        })
    }
}
