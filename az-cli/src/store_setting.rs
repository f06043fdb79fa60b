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
    /// The option, the variable, or the key and the file that the address comes from.
    pub from: String,
}

impl StoreSetting {
    /// Returns the address of the command line, else the configured one, else the default. At each
    /// layer an address goes before a data directory.
    ///
    /// # Errors
    ///
    /// A usage or settings error for an address without a scheme, a relative path outside of the
    /// command line, or a default that needs `HOME` where it is not set.
    pub(crate) fn resolve(
        args: &GlobalArgs,
        env: &Env,
        found: &FoundConfig,
    ) -> Result<Self, CliError> {
        if let Some(address) = &args.store {
            return Self::read("--store".to_owned(), Ok(address));
        }
        if let Some(directory) = &args.data_dir {
            return Self::read("--data-dir".to_owned(), Err(directory.clone()));
        }
        let config = &found.config;
        let from = |key| found.origins.get(key).map_or_else(String::new, |origin| origin.of(key));
        if let Some(address) = &config.store.url {
            return Self::read(from("store.url"), Ok(address));
        }
        if let Some(directory) = &config.data_dir {
            return Self::read(from("data_dir"), Err(directory.clone()));
        }
        let directory = env.base_dir("XDG_DATA_HOME", ".local/share").ok_or_else(|| {
            let text = "no data directory: HOME is not set; set --store, --data-dir or AZ_DATA_DIR";
            CliError::Settings(text.to_owned())
        })?;
        let is_xdg = env.path("XDG_DATA_HOME").is_some_and(|xdg| directory == xdg);
        let from = if is_xdg { "XDG_DATA_HOME" } else { "HOME" };
        Self::read(from.to_owned(), Err(directory.join("az")))
    }

    /// Reads an address, or the directory of an SQLite database.
    fn read(from: String, found: Result<&String, PathBuf>) -> Result<Self, CliError> {
        let address = match found {
            Ok(address) => address.parse(),
            Err(dir) => StoreAddress::new("sqlite", dir.join(FILE)),
        };
        let address = address.map_err(|error| wrong(&from, &error.to_string()))?;
        let setting = Self { address, from };
        let relative = setting.file().is_some_and(Path::is_relative);
        if relative && !is_typed(&setting.from) {
            return Err(setting.problem(&format!(
                "{} must be an absolute path: a relative one would depend on the working directory",
                setting.address
            )));
        }
        Ok(setting)
    }

    /// Returns the error of a wrong address: of the arguments, or of the settings.
    pub(crate) fn problem(&self, what: &str) -> CliError {
        wrong(&self.from, what)
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
