//! The names of models.

use std::fmt;
use std::str::FromStr;

/// The name of a model, as it is written on the command line, in a configuration file or in a
/// request.
///
/// | form | example |
/// |---|---|
/// | `NAME` | `claude` |
/// | `PROVIDER/MODEL` | `openai/gpt-5.6` |
/// | `local/MODEL` | `local/qwen3:8b` |
/// | `auto`, `offline` | |
/// | `record:FILE`, `record:FILE@NAME` | `record:run.jsonl@claude` |
/// | `replay:FILE`, `scripted:FILE` | `replay:run.jsonl` |
///
/// Parsing does not check that the model exists; a [`ModelCatalog`](crate::catalog::ModelCatalog)
/// does. Every name is displayed as it is parsed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ModelName {
    /// `auto`: the model that the routing rules choose.
    Auto,
    /// `offline`: the planner for a small command language.
    Offline,
    /// `local/MODEL`: a model of a server on this machine.
    Local {
        /// The server's name for the model.
        model: String,
    },
    /// `PROVIDER/MODEL`: a model by its provider's name for it.
    Qualified {
        /// The provider, or an entry of the configuration.
        provider: String,
        /// The provider's name for the model.
        model: String,
    },
    /// `NAME`: an entry of the configuration, or the name of a model alone.
    Named(String),
    /// `record:FILE` or `record:FILE@NAME`: a model whose replies are recorded.
    Record {
        /// The file that is written.
        file: String,
        /// The model; the default one if absent.
        model: Option<Box<Self>>,
    },
    /// `replay:FILE`: a recording of an earlier run.
    Replay {
        /// The file that is played.
        file: String,
    },
    /// `scripted:FILE`: scripted replies.
    Scripted {
        /// The file with the replies.
        file: String,
    },
}

/// The error of an invalid model name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid model name {name:?}: {problem}")]
#[non_exhaustive]
pub struct InvalidModelName {
    /// The text.
    pub name: String,
    /// What is wrong with it.
    pub problem: ModelNameProblem,
}

/// The reason why a model name is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelNameProblem {
    /// The name is empty.
    #[error("it is empty")]
    Empty,
    /// The file name is missing.
    #[error("name a file, as in {form}:run.jsonl")]
    MissingFile {
        /// The word before the colon.
        form: &'static str,
    },
    /// Nothing precedes the slash.
    #[error("name a provider before the slash, as in openai/gpt-5.6")]
    MissingProvider,
    /// Nothing follows the slash or the `@`.
    #[error("name a model after {after:?}")]
    MissingModel {
        /// The last character.
        after: char,
    },
    /// Only a single model can be recorded, not the choice of the rules or another recording.
    #[error(
        "only a single model can be recorded, not a choice of the rules or another recording; name a \
         model, as in record:{file}@claude"
    )]
    NotRecordable {
        /// The file.
        file: String,
    },
}

const AUTO: &str = "auto";
const OFFLINE: &str = "offline";
const LOCAL: &str = "local";
const RECORD: &str = "record";
const REPLAY: &str = "replay";
const SCRIPTED: &str = "scripted";

impl ModelName {
    /// The words with a special meaning in names, which cannot name an entry.
    pub const RESERVED: [&'static str; 6] = [AUTO, LOCAL, OFFLINE, RECORD, REPLAY, SCRIPTED];

    /// Whether the model reads or writes a file that the name contains: a recording or a script.
    pub const fn names_file(&self) -> bool {
        matches!(self, Self::Record { .. } | Self::Replay { .. } | Self::Scripted { .. })
    }

    fn record(rest: &str) -> Result<Self, ModelNameProblem> {
        let (file, model) = match rest.split_once('@') {
            Some((file, model)) => (file, Some(model)),
            None => (rest, None),
        };
        let file = with_file(RECORD, file)?;
        let model = match model {
            None => None,
            Some("") => return Err(ModelNameProblem::MissingModel { after: '@' }),
            Some(model) => match Self::read(model)? {
                Self::Auto | Self::Record { .. } => {
                    return Err(ModelNameProblem::NotRecordable { file });
                }
                model => Some(Box::new(model)),
            },
        };
        Ok(Self::Record { file, model })
    }

    fn read(text: &str) -> Result<Self, ModelNameProblem> {
        match text {
            _ if text.trim().is_empty() => return Err(ModelNameProblem::Empty),
            AUTO => return Ok(Self::Auto),
            OFFLINE => return Ok(Self::Offline),
            _ => {}
        }
        match text.split_once(':') {
            Some((SCRIPTED, file)) => {
                return Ok(Self::Scripted { file: with_file(SCRIPTED, file)? });
            }
            Some((REPLAY, file)) => return Ok(Self::Replay { file: with_file(REPLAY, file)? }),
            Some((RECORD, rest)) => return Self::record(rest),
            _ => {}
        }
        match text.split_once('/') {
            None => Ok(Self::Named(text.to_owned())),
            Some((_, "")) => Err(ModelNameProblem::MissingModel { after: '/' }),
            Some(("", _)) => Err(ModelNameProblem::MissingProvider),
            Some((LOCAL, model)) => Ok(Self::Local { model: model.to_owned() }),
            Some((provider, model)) => {
                Ok(Self::Qualified { provider: provider.to_owned(), model: model.to_owned() })
            }
        }
    }
}

fn with_file(form: &'static str, file: &str) -> Result<String, ModelNameProblem> {
    if file.is_empty() {
        return Err(ModelNameProblem::MissingFile { form });
    }
    Ok(file.to_owned())
}

impl FromStr for ModelName {
    type Err = InvalidModelName;

    fn from_str(text: &str) -> Result<Self, InvalidModelName> {
        Self::read(text).map_err(|problem| InvalidModelName { name: text.to_owned(), problem })
    }
}

impl fmt::Display for ModelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str(AUTO),
            Self::Offline => f.write_str(OFFLINE),
            Self::Local { model } => write!(f, "{LOCAL}/{model}"),
            Self::Qualified { provider, model } => write!(f, "{provider}/{model}"),
            Self::Named(name) => f.write_str(name),
            Self::Record { file, model: None } => write!(f, "{RECORD}:{file}"),
            Self::Record { file, model: Some(model) } => write!(f, "{RECORD}:{file}@{model}"),
            Self::Replay { file } => write!(f, "{REPLAY}:{file}"),
            Self::Scripted { file } => write!(f, "{SCRIPTED}:{file}"),
        }
    }
}

#[cfg(test)]
mod tests;
