//! The options that every command takes. Settings and output depend on them, and on nothing else of
//! the command line.

use std::path::PathBuf;

use clap::Args;

/// The options that every command takes.
#[derive(Debug, Clone, Default, Args)]
pub struct GlobalArgs {
    /// Use this store: sqlite:PATH or memory: [default: $AZ_STORE]
    #[arg(long, global = true, value_name = "ADDRESS", help_heading = "Global options")]
    #[arg(conflicts_with = "data_dir")]
    pub store: Option<String>,
    /// Use az.db in this directory [default: $AZ_DATA_DIR]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub data_dir: Option<PathBuf>,
    /// Read environment variables from this file, as far as they are not set
    #[arg(long, global = true, value_name = "FILE", help_heading = "Global options")]
    pub env_file: Option<PathBuf>,
    /// Only print errors on standard error
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Print without colours, as with NO_COLOR
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_color: bool,
    /// Print JSON: a document, or a line for each event of a run
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
}
