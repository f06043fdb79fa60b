//! The user's configuration file: `config.toml` in the configuration directory.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use az_ai::config::{LlmConfig, Place, ProviderConfig, RoutingRule};
use serde::Deserialize;

use super::Env;
use crate::error::CliError;

/// What the file may say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileConfig {
    /// Where tasks and their records are kept.
    pub data_dir: Option<PathBuf>,
    /// About models.
    pub llm: LlmSection,
    /// About money.
    pub cost: CostSection,
}

/// What the file may say about models.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LlmSection {
    /// The model to use when none is named.
    pub model: Option<String>,
    /// Where an OpenAI-compatible server is, such as `http://127.0.0.1:8080/v1`.
    pub base_url: Option<String>,
    /// The longest reply to ask for in a step of a task, in tokens; thoughts count.
    pub max_tokens: Option<NonZeroU32>,
    /// Models by names of one's own.
    pub providers: Vec<ProviderConfig>,
    /// The one of them to use when no rule says otherwise.
    pub default_provider: Option<String>,
    /// Which one to use when.
    pub routing_rules: Vec<RoutingRule>,
    /// A file with the rules instead, beside this one unless its path is absolute.
    pub routing_file: Option<PathBuf>,
    /// A file with prices of one's own, beside this one unless its path is absolute.
    pub prices_file: Option<PathBuf>,
    /// Whether calls are priced.
    pub cost_tracking: bool,
    /// Whether another model is asked when the one that was chosen fails.
    pub fallback_enabled: bool,
}

impl Default for LlmSection {
    fn default() -> Self {
        let LlmConfig { cost_tracking, fallback_enabled, .. } = LlmConfig::default();
        Self {
            model: None,
            base_url: None,
            max_tokens: None,
            providers: Vec::new(),
            default_provider: None,
            routing_rules: Vec::new(),
            routing_file: None,
            prices_file: None,
            cost_tracking,
            fallback_enabled,
        }
    }
}

/// What the file may say about money.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CostSection {
    /// Where days begin, such as `Europe/Berlin`; UTC when absent.
    pub time_zone: Option<String>,
}

/// The file as it was found.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FoundConfig {
    /// What it says.
    pub config: FileConfig,
    /// Where it is and its text, if it is there.
    pub source: Option<(PathBuf, String)>,
}

impl std::fmt::Debug for FoundConfig {
    /// The text may hold keys: only where the file is is shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = self.source.as_ref().map(|(path, _)| path);
        f.debug_struct("FoundConfig").field("path", &path).finish_non_exhaustive()
    }
}

impl FoundConfig {
    /// Reads the file; one that is not there says nothing, unless `$AZ_CONFIG` names it.
    ///
    /// # Errors
    ///
    /// A settings error with line and column when the file makes no sense, or when it cannot be
    /// read.
    pub fn read(env: &Env) -> Result<Self, CliError> {
        let Some(path) = FileConfig::path(env) else { return Ok(Self::default()) };
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let config = FileConfig::parse(&path, &text)?;
                Ok(Self { config, source: Some((path, text)) })
            }
            Err(error) if env.path("AZ_CONFIG").is_some() => {
                Err(CliError::Settings(format!("AZ_CONFIG: {}: {error}", path.display())))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => {
                Err(CliError::Io { what: format!("reading {}", path.display()), source })
            }
        }
    }

    /// Returns what is wrong with a setting, with the file that it is in.
    pub fn problem(&self, what: &str) -> CliError {
        let file = self.source.as_ref().map(|(path, _)| format!("{}: ", path.display()));
        CliError::Settings(format!("{}{what}", file.unwrap_or_default()))
    }

    /// Returns the path of a file that the configuration names.
    pub fn beside(&self, path: &Path) -> PathBuf {
        let folder = self.source.as_ref().and_then(|(path, _)| path.parent());
        folder.map_or_else(|| path.to_owned(), |folder| folder.join(path))
    }
}

impl FileConfig {
    /// Returns where the file is looked for: `$AZ_CONFIG`, else `az/config.toml` under
    /// `$XDG_CONFIG_HOME` or `~/.config`.
    pub fn path(env: &Env) -> Option<PathBuf> {
        if let Some(path) = env.path("AZ_CONFIG") {
            return Some(path);
        }
        let home = || env.path("HOME").map(|home| home.join(".config"));
        Some(env.path("XDG_CONFIG_HOME").or_else(home)?.join("az/config.toml"))
    }

    fn parse(path: &Path, text: &str) -> Result<Self, CliError> {
        toml::from_str(text).map_err(|error| {
            // The line itself is not shown: it may hold a key.
            let at = error.span().map_or(0, |span| span.start);
            let place = Place::of(&path.display().to_string(), text, at);
            CliError::Settings(format!("{place}: {}", error.message()))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{FileConfig, FoundConfig};

    #[test]
    fn the_text_of_the_file_which_may_hold_keys_is_not_in_its_debug_output() {
        let found = FoundConfig {
            source: Some(("c.toml".into(), "sk-1".into())),
            ..FoundConfig::default()
        };
        let shown = format!("{found:?}");
        assert!(shown.contains("c.toml") && !shown.contains("sk-1"), "{shown}");
    }

    fn refused(text: &str) -> String {
        FileConfig::parse(Path::new("config.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn a_key_that_does_not_exist_is_an_error_with_its_place() {
        let error = refused("[cost]\ntime_zoen = \"x\"\n");
        insta::assert_snapshot!(error, @"config.toml:2:1: unknown field `time_zoen`, expected `time_zone`");
    }

    #[test]
    fn a_provider_with_a_negative_price_is_an_error_with_its_place() {
        let error = refused(
            "[[llm.providers]]\nname = \"x\"\nprovider = \"groq\"\ncost_per_token = -0.1\n",
        );
        let place = "config.toml:4:18: invalid price \"-0.1\": must not be negative";
        assert!(error.starts_with(place), "{error}");
    }
}
