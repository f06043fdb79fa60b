//! The setting that chooses the store.

use std::path::{Path, PathBuf};

use az_core::store::StoreAddress;

use crate::config::{Env, FoundConfig};
use crate::error::CliError;
use crate::global_args::GlobalArgs;

/// The file of the database in a data directory.
const FILE: &str = "az.db";

/// The address of the store, and what set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSetting {
    /// The address.
    pub address: StoreAddress,
    /// The option, variable or key that the address comes from.
    pub from: &'static str,
}

impl StoreSetting {
    /// Returns the address of the command line, else of the environment, else of the configuration
    /// file, else the default. At each of them an address goes before a data directory.
    ///
    /// # Errors
    ///
    /// A usage or settings error for an address without a scheme, a relative path outside of the
    /// command line, or a default that needs `HOME` where it is not set.
    pub(crate) fn resolve(
        args: &GlobalArgs,
        env: &Env,
        file: &FoundConfig,
    ) -> Result<Self, CliError> {
        let config = &file.config;
        let candidates = [
            ("--store", args.store.as_deref().map(Ok)),
            ("--data-dir", args.data_dir.clone().map(Err)),
            ("AZ_STORE", env.get("AZ_STORE").map(Ok)),
            ("AZ_DATA_DIR", env.path("AZ_DATA_DIR").map(Err)),
            ("store.url in config.toml", config.store.url.as_deref().map(Ok)),
            ("data_dir in config.toml", config.data_dir.clone().map(Err)),
            ("XDG_DATA_HOME", env.path("XDG_DATA_HOME").map(|dir| Err(dir.join("az")))),
            ("HOME", env.path("HOME").map(|home| Err(home.join(".local/share/az")))),
        ];
        let found = candidates.into_iter().find_map(|(from, found)| Some((from, found?)));
        let (from, found) = found.ok_or_else(|| {
            let text = "no data directory: HOME is not set; set --store, --data-dir or AZ_DATA_DIR";
            CliError::Settings(text.to_owned())
        })?;
        Self::read(from, found)
    }

    /// Reads an address, or the directory of an SQLite database.
    fn read(from: &'static str, found: Result<&str, PathBuf>) -> Result<Self, CliError> {
        let address = match found {
            Ok(address) => address.parse(),
            Err(dir) => StoreAddress::new("sqlite", dir.join(FILE)),
        };
        let address = address.map_err(|error| wrong(from, &error.to_string()))?;
        let setting = Self { address, from };
        let relative = setting.file().is_some_and(Path::is_relative);
        if relative && !is_typed(from) {
            return Err(setting.problem(&format!(
                "{} must be an absolute path: a relative one would depend on the working directory",
                setting.address
            )));
        }
        Ok(setting)
    }

    /// Returns the error of a wrong address: of the arguments, or of the settings.
    pub(crate) fn problem(&self, what: &str) -> CliError {
        wrong(self.from, what)
    }

    /// Returns the file of an SQLite database.
    pub(crate) fn file(&self) -> Option<&Path> {
        (self.address.scheme() == "sqlite").then(|| self.address.path())
    }
}

fn is_typed(from: &str) -> bool {
    from.starts_with("--")
}

fn wrong(from: &str, what: &str) -> CliError {
    let text = format!("{from}: {what}");
    if is_typed(from) { CliError::Usage(text) } else { CliError::Settings(text) }
}
