//! The steps of a command.

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// List a directory.
    List(Listing),
    /// Read a file.
    Read { path: String },
    /// Write or append to a file.
    Put { text: Text, path: String, how: How },
    /// Count something in a file, a directory or the previous step's result.
    Count { unit: Option<Unit>, of: Of },
    /// Find lines with a text.
    FindText { text: String, path: String },
    /// Find files by name.
    FindFiles { glob: String, path: String },
    /// Run a command.
    Run { command: String },
    /// List processes.
    Processes { filter: Option<String> },
    /// Search documents semantically.
    Search { query: String, collection: Option<String> },
}

/// The directory and the options of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listing {
    pub(super) path: String,
    pub(super) depth: Depth,
    pub(super) hidden: Hidden,
    pub(super) kinds: Kinds,
}

/// The kind of entries to list.
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

/// The text to write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    /// A literal text.
    Literal(String),
    /// The previous step's result.
    Previous,
    /// The count of a unit, or of the default one, in the previous step's result.
    HowMany(Option<Unit>),
}

/// The subject of a count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Of {
    File(String),
    Directory(Listing),
    Previous,
}

/// The unit of a count.
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
    /// Returns the unit for a word.
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

    /// Returns the plural of the unit.
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

    /// Formats a count of the unit.
    pub(super) fn say(self, count: usize) -> String {
        match (self, count) {
            (Self::Directories, 1) => "1 directory".to_owned(),
            (unit, 1) => format!("1 {}", unit.many().trim_end_matches('s')),
            (unit, count) => format!("{count} {}", unit.many()),
        }
    }
}

impl Listing {
    /// Creates a listing of one directory, without hidden entries.
    pub(super) fn of(path: impl Into<String>) -> Self {
        let path = path.into();
        Self { path, depth: Depth::Flat, hidden: Hidden::Excluded, kinds: Kinds::All }
    }
}

impl Step {
    /// Whether the step needs the previous step's result.
    pub(super) const fn refers_back(&self) -> bool {
        matches!(
            self,
            Self::Put { text: Text::Previous | Text::HowMany(_), .. }
                | Self::Count { of: Of::Previous, .. }
        )
    }

    /// Returns the tool that the step calls, if any.
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
