//! The user's configuration file: `config.toml` in the configuration directory.

use std::path::{Path, PathBuf};

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
}

/// What the file may say about models.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LlmSection {
    /// The model to use when none is named.
    pub model: Option<String>,
    /// Where an OpenAI-compatible server is, such as `http://127.0.0.1:8080/v1`.
    pub base_url: Option<String>,
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

    /// Reads the file; one that is not there says nothing.
    ///
    /// # Errors
    ///
    /// A settings error with line and column when the file makes no sense, or when it cannot be
    /// read.
    pub fn read(env: &Env) -> Result<Self, CliError> {
        let Some(path) = Self::path(env) else { return Ok(Self::default()) };
        match std::fs::read_to_string(&path) {
            Ok(text) => Self::parse(&path, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => {
                Err(CliError::Io { what: format!("reading {}", path.display()), source })
            }
        }
    }

    fn parse(path: &Path, text: &str) -> Result<Self, CliError> {
        toml::from_str(text).map_err(|error| {
            CliError::Settings(format!("{}: {}", path.display(), error.to_string().trim_end()))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::FileConfig;

    #[test]
    fn a_key_that_does_not_exist_is_an_error_with_its_place() {
        let error = FileConfig::parse(Path::new("config.toml"), "[llm]\nmodle = \"x\"\n");
        insta::assert_snapshot!(error.unwrap_err(), @r#"
        config.toml: TOML parse error at line 2, column 1
          |
        2 | modle = "x"
          | ^^^^^
        unknown field `modle`, expected `model` or `base_url`
        "#);
    }
}
