//! The user's configuration file: `config.toml` in the configuration directory.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use az_ai::config::{LlmConfig, ProviderConfig, RoutingRule};
use az_ai::provider::http::HttpOptions;
use az_ai::routing::locate_rules;
use az_ai::source::{InvalidDocument, Origins, TomlDocument};
use serde::Deserialize;

use super::Env;
use crate::error::CliError;

/// The configuration file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileConfig {
    /// The directory of the database.
    pub data_dir: Option<PathBuf>,
    /// The section about the store.
    pub store: StoreSection,
    /// The section about models.
    pub llm: LlmSection,
    /// The section about costs.
    pub cost: CostSection,
    /// The section about commands.
    pub shell: ShellSection,
}

/// The section about models.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LlmSection {
    /// The model of tasks that name none.
    pub model: Option<String>,
    /// The address of an OpenAI-compatible server, such as `http://127.0.0.1:8080/v1`.
    pub base_url: Option<String>,
    /// The limit of a reply in tokens, including reasoning.
    pub max_tokens: Option<NonZeroU32>,
    /// The time limits of responses.
    pub timeouts: TimeoutsSection,
    /// Entries: models with names of your own.
    pub providers: Vec<ProviderConfig>,
    /// The entry to use if no rule applies.
    pub default_provider: Option<String>,
    /// The routing rules.
    pub routing_rules: Vec<RoutingRule>,
    /// A file with the routing rules instead; its path is relative to this file.
    pub routing_file: Option<PathBuf>,
    /// A file with prices of your own; its path is relative to this file.
    pub prices_file: Option<PathBuf>,
    /// Whether calls are priced.
    pub cost_tracking: bool,
    /// Whether a fallback is called if the chosen model fails.
    pub fallback_enabled: bool,
}

impl Default for LlmSection {
    fn default() -> Self {
        let LlmConfig { cost_tracking, fallback_enabled, .. } = LlmConfig::default();
        Self {
            model: None,
            base_url: None,
            max_tokens: None,
            timeouts: TimeoutsSection::default(),
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

/// The time limits of responses, in seconds. One that is absent has its default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimeoutsSection {
    /// The limit of connecting.
    pub connect_seconds: Option<NonZeroU32>,
    /// The limit between a request and the beginning of its response.
    pub first_byte_seconds: Option<NonZeroU32>,
    /// The limit between two pieces of a response.
    pub idle_seconds: Option<NonZeroU32>,
    /// The limit between two events of a stream with content or usage.
    pub event_seconds: Option<NonZeroU32>,
    /// The limit of a response as a whole.
    pub total_seconds: Option<NonZeroU32>,
}

impl TimeoutsSection {
    /// Returns the options of the HTTP client with these limits.
    pub fn http_options(self) -> HttpOptions {
        let limit = |seconds: Option<NonZeroU32>, default: Duration| {
            seconds.map_or(default, |seconds| Duration::from_secs(seconds.get().into()))
        };
        let default = HttpOptions::default();
        HttpOptions {
            connect_timeout: limit(self.connect_seconds, default.connect_timeout),
            first_byte_timeout: limit(self.first_byte_seconds, default.first_byte_timeout),
            idle_timeout: limit(self.idle_seconds, default.idle_timeout),
            event_timeout: limit(self.event_seconds, default.event_timeout),
            total_timeout: limit(self.total_seconds, default.total_timeout),
            ..default
        }
    }
}

/// The section about the store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSection {
    /// The address of the store, such as `sqlite:/home/me/az.db`.
    pub url: Option<String>,
}

/// The section about costs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CostSection {
    /// The time zone of days, weeks and months, such as `Europe/Berlin`; UTC if absent.
    pub time_zone: Option<String>,
}

/// The section about the commands that tools run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShellSection {
    /// The shell: an absolute path, or a name that is found in `PATH`.
    pub program: Option<String>,
    /// The variables that commands get beside the default ones: `NAME` takes the value from the
    /// environment of `az`, `NAME=VALUE` sets one.
    pub env: Vec<String>,
}

/// The configuration file: its values, and where each of them is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FoundConfig {
    /// The values.
    pub config: FileConfig,
    /// The path of the file, if there is one.
    pub path: Option<PathBuf>,
    /// The locations of the values in the file.
    pub origins: Origins,
}

impl FoundConfig {
    /// Reads the file. A missing file is empty, unless `$AZ_CONFIG` names it.
    ///
    /// # Errors
    ///
    /// A settings error with line and column for an invalid file, or an error for one that cannot be
    /// read.
    pub fn read(env: &Env) -> Result<Self, CliError> {
        let Some(path) = FileConfig::path(env) else { return Ok(Self::default()) };
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let (config, origins) = FileConfig::parse(&path, &text)?;
                Ok(Self { config, path: Some(path), origins })
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

    /// Returns the error of a setting, with the location of its value; `key` is the setting's name,
    /// such as `llm.base_url`.
    pub fn problem(&self, key: &str, what: &str) -> CliError {
        let location = match (self.origins.get(key), &self.path) {
            (Some(location), _) => format!("{location}: "),
            (None, Some(path)) => format!("{}: ", path.display()),
            (None, None) => String::new(),
        };
        CliError::Settings(format!("{location}{key}: {what}"))
    }

    /// Returns the path of a file that the configuration names.
    pub fn beside(&self, path: &Path) -> PathBuf {
        let folder = self.path.as_deref().and_then(Path::parent);
        folder.map_or_else(|| path.to_owned(), |folder| folder.join(path))
    }
}

impl FileConfig {
    /// Returns the path of the file: `$AZ_CONFIG`, else `az/config.toml` under
    /// `$XDG_CONFIG_HOME` or `~/.config`.
    pub fn path(env: &Env) -> Option<PathBuf> {
        if let Some(path) = env.path("AZ_CONFIG") {
            return Some(path);
        }
        let home = || env.path("HOME").map(|home| home.join(".config"));
        Some(env.path("XDG_CONFIG_HOME").or_else(home)?.join("az/config.toml"))
    }

    /// Parses the file once: typed values, the locations of routing rules, and all origins.
    fn parse(path: &Path, text: &str) -> Result<(Self, Origins), CliError> {
        let invalid = |error: InvalidDocument| CliError::Settings(error.to_string());
        let file = path.display().to_string();
        let document = TomlDocument::parse(&file, text).map_err(invalid)?;
        let document = document.with_lowercase_keys().map_err(invalid)?;
        let mut config: Self = document.deserialize().map_err(invalid)?;
        locate_rules(&document, &["llm", "routing_rules"], &mut config.llm.routing_rules);
        Ok((config, document.origins()))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{FileConfig, FoundConfig};

    #[test]
    fn keys_are_not_in_the_debug_output_of_the_file() {
        let text = "[[llm.providers]]\nname = \"x\"\nprovider = \"groq\"\napi_key = \"sk-1\"\n";
        let (config, origins) = FileConfig::parse(Path::new("c.toml"), text).unwrap();
        let shown = format!("{:?}", FoundConfig { config, path: Some("c.toml".into()), origins });
        assert!(shown.contains("c.toml") && !shown.contains("sk-1"), "{shown}");
    }

    #[test]
    fn a_setting_is_reported_with_the_location_of_its_value() {
        let text = "[llm]\nmodel = \"claude\"\n";
        let (config, origins) = FileConfig::parse(Path::new("c.toml"), text).unwrap();
        let found = FoundConfig { config, path: Some("c.toml".into()), origins };
        let reported = |key| found.problem(key, "why").to_string();
        assert_eq!(reported("llm.model"), "c.toml:2:9: llm.model: why");
        assert_eq!(reported("llm.base_url"), "c.toml: llm.base_url: why");
        assert_eq!(FoundConfig::default().problem("x", "why").to_string(), "x: why");
    }

    fn refused(text: &str) -> String {
        FileConfig::parse(Path::new("config.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn an_unknown_key_is_reported_with_its_location() {
        let error = refused("[cost]\ntime_zoen = \"x\"\n");
        insta::assert_snapshot!(error, @"config.toml:2:1: unknown field `time_zoen`, expected `time_zone`");
    }

    #[test]
    fn the_case_of_keys_does_not_count() {
        let text = "[LLM]\nModel = \"Claude\"\n";
        let (config, origins) = FileConfig::parse(Path::new("c.toml"), text).unwrap();
        assert_eq!(config.llm.model.as_deref(), Some("Claude"));
        assert!(origins.get("llm.model").is_some());
    }

    #[test]
    fn a_negative_price_is_reported_with_its_location() {
        let error = refused(
            "[[llm.providers]]\nname = \"x\"\nprovider = \"groq\"\ncost_per_token = -0.1\n",
        );
        let place = "config.toml:4:18: invalid price \"-0.1\": must not be negative";
        assert!(error.starts_with(place), "{error}");
    }
}
