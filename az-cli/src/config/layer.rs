//! The layers of the configuration, from the strongest to the weakest, and where a value comes from.

use std::fmt;
use std::path::PathBuf;

use az_ai::source::SourceLocation;
use clap::ValueEnum;
use schemars::JsonSchema;
use serde::Serialize;

use super::write::Access;

/// A layer of the configuration. A layer overrides those behind it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, ValueEnum, Serialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Layer {
    /// Options of the command line.
    Flag,
    /// Environment variables.
    Environment,
    /// The file `az.toml` of the project.
    Project,
    /// The settings that are stored in the store.
    Store,
    /// The user's file.
    User,
    /// The file of the machine.
    System,
    /// The built-in defaults.
    Default,
}

impl Layer {
    /// Returns the name of the layer.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::Project => "project",
            Self::Store => "store",
            Self::User => "user",
            Self::System => "system",
            Self::Default => "default",
        }
    }

    /// Returns who can read the file of this layer if it is created.
    pub(super) const fn access(self) -> Access {
        match self {
            Self::User => Access::Private,
            _ => Access::Usual,
        }
    }

    /// Whether a model of this layer may be one that reads or writes a file: `record:`, `replay:` and
    /// `scripted:`. Those who can set the others need not be the user of this process.
    pub(crate) const fn may_name_files(self) -> bool {
        matches!(self, Self::Flag | Self::Environment | Self::User)
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Origin {
    /// The layer.
    pub layer: Layer,
    /// The option, the variable, or the path of the file; for the others the layer in words.
    pub source: String,
    /// The location in the file.
    pub location: Option<SourceLocation>,
    /// The file.
    pub path: Option<PathBuf>,
}

/// Formats the origin as `file:line:column`, or what it is in words.
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => write!(f, "{location}"),
            None => f.write_str(&self.source),
        }
    }
}

impl Origin {
    /// Returns where a key is set, for a message: `AZ_MODEL`, or `llm.model in config.toml`.
    pub fn of(&self, key: &str) -> String {
        match (self.layer, &self.path) {
            (Layer::Flag | Layer::Environment, _) => self.source.clone(),
            (_, Some(path)) => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                format!("{key} in {}", name.display())
            }
            _ => format!("{key} in {}", self.source),
        }
    }
}
