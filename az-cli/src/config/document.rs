//! The text of a layer, and what it sets.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use az_ai::source::{Origins, SourceLocation, TomlDocument};
use rustix::fs::OFlags;
use toml::de::DeTable;

use super::check::check;
use super::layer::{Layer, Origin};
use super::merge::ALTERNATIVES;
use super::problem::{ConfigError, ConfigProblem, Problem};

/// The largest file that is read.
const LARGEST: u64 = 1 << 20;

/// The text of a layer: a file, or a line that was made from an option or a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LayerText {
    pub(super) layer: Layer,
    /// The path, the option or the variable.
    pub(super) source: String,
    pub(super) path: Option<PathBuf>,
    pub(super) text: String,
}

/// A parsed layer without errors, with its keys in lower case.
#[derive(Debug)]
pub(super) struct Document<'a> {
    pub(super) of: &'a LayerText,
    pub(super) toml: TomlDocument<'a>,
    pub(super) origins: Origins,
}

impl LayerText {
    /// Reads a file; returns `None` if there is none.
    pub(super) fn read(layer: Layer, path: &Path) -> Result<Option<Self>, ConfigError> {
        let source = path.display().to_string();
        let bytes = match read_regular(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ConfigError::io(format!("reading {source}"))(error)),
        };
        let text = String::from_utf8(bytes).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes());
            let place = SourceLocation::in_text(&source, &text, valid);
            let what = "the file is not UTF-8; save it in this encoding";
            ConfigError::Invalid(vec![ConfigProblem::new(place, what)])
        })?;
        Ok(Some(Self { layer, source, path: Some(path.to_owned()), text }))
    }

    /// Creates the text of one key that is not in a file; `toml` is its value.
    pub(super) fn of_value(layer: Layer, source: &str, key: &str, toml: &str) -> Self {
        Self { layer, source: source.to_owned(), path: None, text: format!("{key} = {toml}\n") }
    }

    /// Parses the text once and checks it.
    ///
    /// # Errors
    ///
    /// All problems, in the order of the text.
    pub(super) fn parse(&self) -> Result<Document<'_>, Vec<ConfigProblem>> {
        let (root, errors) = DeTable::parse_recoverable(&self.text);
        let mut problems: Vec<Problem> = errors.iter().map(syntax).collect();
        let of_check =
            if self.is_store_address() { Vec::new() } else { check(root.get_ref(), self.layer) };
        // What is read after an error of the syntax need not be what was written.
        let unsure: Vec<_> = problems.iter().map(|problem| self.unsure_after(problem)).collect();
        let clear = |problem: &Problem| {
            let line = self.line(problem.span.start);
            !unsure.iter().any(|lines| lines.contains(&line))
        };
        problems.extend(of_check.into_iter().filter(clear));
        problems.sort_by_key(|problem| problem.span.start);
        if !problems.is_empty() {
            return Err(problems.into_iter().map(|problem| self.located(problem)).collect());
        }
        let toml = TomlDocument::new(&self.source, &self.text, root).with_lowercase_keys();
        let toml =
            toml.map_err(|error| vec![ConfigProblem::new(error.location.clone(), error.reason)])?;
        Ok(Document { of: self, origins: toml.origins(), toml })
    }

    /// Whether this is the address or the directory of a store from an option or a variable. The setting of
    /// the store checks it: an option may be relative, and its errors are those of the arguments.
    fn is_store_address(&self) -> bool {
        self.path.is_none() && ALTERNATIVES.iter().any(|key| self.text.starts_with(key))
    }

    /// Returns the lines that may have been read as something else than they are: that of an error, and
    /// after an error in a header those up to the next header.
    fn unsure_after(&self, error: &Problem) -> Range<usize> {
        let line = self.line(error.span.start);
        let mut lines = self.text.lines().skip(line);
        let is_header = |line: &str| line.trim_start().starts_with('[');
        if !lines.next().is_some_and(is_header) {
            return line..line + 1;
        }
        line..line + 1 + lines.take_while(|line| !is_header(line)).count()
    }

    fn line(&self, offset: usize) -> usize {
        self.text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
    }

    fn located(&self, problem: Problem) -> ConfigProblem {
        match self.path {
            Some(_) => problem.located(&self.source, &self.text),
            None => problem.without_place(&self.source),
        }
    }

    /// Returns the origin of a value of this text.
    pub(super) fn origin(&self, location: Option<&SourceLocation>) -> Origin {
        Origin {
            layer: self.layer,
            source: self.source.clone(),
            location: location.filter(|_| self.path.is_some()).cloned(),
            path: self.path.clone(),
        }
    }
}

fn syntax(error: &toml::de::Error) -> Problem {
    let span = error.span().unwrap_or_default();
    let problem = Problem::new("", span, error.message().replace('\n', "; "));
    Problem { syntax: true, ..problem }
}

/// Opens a regular file, and returns its length. Opening a named pipe does not wait.
pub(crate) fn open_regular(path: &Path) -> std::io::Result<(File, u64)> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    let known = file.metadata()?;
    if !known.is_file() {
        return Err(refused("it is not a regular file".to_owned()));
    }
    Ok((file, known.len()))
}

/// Reads a small regular file of text; `None` if it is something else.
pub(crate) fn read_small(path: &Path, most: u64) -> Option<String> {
    let (file, length) = open_regular(path).ok()?;
    let mut text = String::new();
    let read = (length <= most).then(|| file.take(most).read_to_string(&mut text))?;
    read.ok().map(|_| text)
}

fn refused(what: String) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidInput, what)
}

/// Reads a regular file of a reasonable size.
fn read_regular(path: &Path) -> std::io::Result<Vec<u8>> {
    let (file, length) = open_regular(path)?;
    // One byte more, so that the end of the file is seen by the first read.
    let length = usize::try_from(length.min(LARGEST)).unwrap_or_default();
    let mut bytes = Vec::with_capacity(length + 1);
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= LARGEST => Ok(bytes),
        _ => Err(refused(format!("it is larger than {LARGEST} bytes"))),
    }
}
