//! The options that every command takes. Settings and output depend on them, and on nothing else of
//! the command line.

use std::path::PathBuf;

use clap::Args;

/// The options that every command takes.
#[derive(Debug, Clone, Args)]
pub struct GlobalArgs {
    /// Where tasks and their records are kept [default: $AZ_DATA_DIR, else ~/.local/share/az]
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub data_dir: Option<PathBuf>,
    /// Say nothing on standard error but errors
    #[arg(long, short, global = true, help_heading = "Global options")]
    pub quiet: bool,
    /// Use no colour, as with NO_COLOR or when the output is not a terminal
    #[arg(long, global = true, help_heading = "Global options")]
    pub no_color: bool,
    /// Print one JSON object per event, or the listing as JSON, on standard output
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,
}
