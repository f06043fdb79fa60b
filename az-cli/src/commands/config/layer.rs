//! The option that chooses the layer that a command changes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::Context;
use crate::config::{ConfigFiles, Layer, PROJECT_FILE};
use crate::error::CliError;

/// The option that chooses a layer.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct LayerArgs {
    /// Work on this layer: the user's file, the project's az.toml, the file of the machine, or the
    /// settings in the store
    #[arg(long, value_enum, default_value = "user", value_name = "LAYER")]
    pub(super) layer: Target,
}

/// A layer that can be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::commands) enum Target {
    /// The user's file.
    User,
    /// The project's file.
    Project,
    /// The file of the machine.
    System,
    /// The settings in the store.
    Store,
}

impl Target {
    /// Returns the layer.
    pub(super) const fn layer(self) -> Layer {
        match self {
            Self::User => Layer::User,
            Self::Project => Layer::Project,
            Self::System => Layer::System,
            Self::Store => Layer::Store,
        }
    }

    /// Returns the file of the layer; `None` for the store. A project without a file gets one in the
    /// working directory.
    ///
    /// # Errors
    ///
    /// A settings error if there is no directory for the user's file.
    pub(super) fn file(self, context: &Context<'_>) -> Result<Option<PathBuf>, CliError> {
        let files = files(context);
        match self {
            Self::User => files.user.map(Some).ok_or_else(|| {
                let what = "HOME is not set; set it, XDG_CONFIG_HOME or AZ_CONFIG";
                CliError::Settings(what.to_owned())
            }),
            Self::Project => Ok(Some(files.project.unwrap_or_else(|| PROJECT_FILE.into()))),
            Self::System => Ok(Some(files.system)),
            Self::Store => Ok(None),
        }
    }

    /// Returns the file of the layer, for a command that works on files only.
    ///
    /// # Errors
    ///
    /// As [`file`](Self::file), and a usage error for the store.
    pub(in crate::commands) fn only_file(self, context: &Context<'_>) -> Result<PathBuf, CliError> {
        self.file(context)?.ok_or_else(|| {
            let what =
                "the settings in the store are not a file; use `az config set --layer store`";
            CliError::Usage(format!("--layer store: {what}"))
        })
    }
}

/// Finds the files of the configuration from the working directory.
pub(super) fn files(context: &Context<'_>) -> ConfigFiles {
    ConfigFiles::find(context.env, std::env::current_dir().ok().as_deref())
}
