//! Resolves flags, environment, configuration file and defaults.

use std::path::Path;

use az_core::cost::Calendar;
use jiff::tz::TimeZone;

use crate::config::{Env, FoundConfig, LlmSection, ShellSection};
use crate::error::CliError;
use crate::global_args::GlobalArgs;
pub use crate::store_setting::StoreSetting;

/// The settings of a command.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store of tasks and their records.
    pub store: StoreSetting,
    /// The model of tasks that name none, and what set it.
    pub model: Option<(String, &'static str)>,
    /// The section about models of the configuration file.
    pub llm: LlmSection,
    /// The section about commands of the configuration file.
    pub shell: ShellSection,
    /// The time zone of days, weeks and months.
    pub time_zone: TimeZone,
    /// The configuration file, for locations of its values, and for paths relative to it.
    pub file: FoundConfig,
}

impl Settings {
    /// Resolves the settings: flags override the environment, the environment overrides the file, the
    /// file overrides the default.
    ///
    /// # Errors
    ///
    /// A settings error for an invalid file, or if there is no data directory.
    pub fn resolve(args: &GlobalArgs, env: &Env) -> Result<Self, CliError> {
        let file = FoundConfig::read(env)?;
        let config = file.config.clone();
        let model = env
            .get("AZ_MODEL")
            .map(|model| (model.to_owned(), "AZ_MODEL"))
            .or_else(|| config.llm.model.clone().map(|model| (model, "llm.model in config.toml")));
        let store = StoreSetting::resolve(args, env, &file)?;
        let time_zone = time_zone(config.cost.time_zone.as_deref());
        let time_zone = time_zone.map_err(|what| file.problem("cost.time_zone", &what))?;
        Ok(Self { store, model, llm: config.llm, shell: config.shell, time_zone, file })
    }

    /// Returns the calendar of costs.
    pub fn calendar(&self) -> Calendar {
        Calendar::new(self.time_zone.clone())
    }

    /// Returns a file that the configuration names by this key, with its text.
    ///
    /// # Errors
    ///
    /// A settings error when it cannot be read.
    pub fn named_file(&self, key: &str, path: &Path) -> Result<(String, String), CliError> {
        let path = self.file.beside(path);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok((path.display().to_string(), text)),
            Err(error) => Err(self.file.problem(key, &format!("{}: {error}", path.display()))),
        }
    }
}

fn time_zone(name: Option<&str>) -> Result<TimeZone, String> {
    let Some(name) = name else { return Ok(TimeZone::UTC) };
    TimeZone::get(name)
        .map_err(|_| format!("unknown time zone {name:?}; use a name such as Europe/Berlin"))
}
