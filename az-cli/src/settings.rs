//! Flags, environment, file and defaults, resolved in one place.

use std::path::PathBuf;

use crate::cli::GlobalArgs;
use crate::config::{Env, FileConfig};
use crate::error::CliError;

/// What the program goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Where tasks and their records are kept.
    pub data_dir: PathBuf,
    /// The model to use when a task names none, with where that was said.
    pub model: Option<(String, &'static str)>,
    /// Where an OpenAI-compatible server is.
    pub base_url: Option<String>,
    /// The key for it.
    pub api_key: Option<az_ai::key::ApiKey>,
}

impl Settings {
    /// Resolves the settings: flags beat the environment, the environment beats the file, the file
    /// beats the default.
    ///
    /// # Errors
    ///
    /// When the file makes no sense, or when nothing says where data can be kept.
    pub fn resolve(args: &GlobalArgs, env: &Env) -> Result<Self, CliError> {
        let file = FileConfig::read(env)?;
        let model = env
            .get("AZ_MODEL")
            .map(|model| (model.to_owned(), "AZ_MODEL"))
            .or_else(|| file.llm.model.clone().map(|model| (model, "llm.model in config.toml")));
        let base_url = env.get("OPENAI_BASE_URL").map(str::to_owned).or(file.llm.base_url);
        let data_dir = args
            .data_dir
            .clone()
            .or_else(|| env.path("AZ_DATA_DIR"))
            .or(file.data_dir)
            .or_else(|| env.path("XDG_DATA_HOME").map(|dir| dir.join("az")))
            .or_else(|| env.path("HOME").map(|home| home.join(".local/share/az")))
            .ok_or_else(|| {
                let reason =
                    "no place to keep data: HOME is not set; use --data-dir or AZ_DATA_DIR";
                CliError::Settings(reason.to_owned())
            })?;
        if data_dir.is_relative() && args.data_dir.is_none() {
            return Err(CliError::Settings(format!(
                "the data directory {} has to be an absolute path: it is the same from everywhere",
                data_dir.display()
            )));
        }
        let api_key = env.get("OPENAI_API_KEY").map(az_ai::key::ApiKey::new);
        Ok(Self { data_dir, model, base_url, api_key })
    }

    /// Returns where the database is.
    pub fn database(&self) -> PathBuf {
        self.data_dir.join("az.db")
    }
}
