//! The definitions of tools that were approved: a file for each server.
//!
//! It is also what is known of a server that was not started: with it, a task has the tools of a server that
//! starts at their first call.

use std::fs;
use std::path::PathBuf;

use az_mcp::client::Listing;
use serde::{Deserialize, Serialize};

use crate::config::{Access, ConfigError, read_small, write_atomically};

/// The largest file that is read.
const LARGEST: u64 = 32 << 20;

/// The tools of a server that were approved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ApprovedTools {
    /// The digest of the server's configuration: another program has to be approved anew.
    pub(crate) configuration: String,
    /// The tools.
    pub(crate) listing: Listing,
}

/// The files of approved tools, which only the user can read.
#[derive(Debug, Clone)]
pub(crate) struct Approvals(PathBuf);

impl Approvals {
    /// Returns the files of a directory, which need not exist.
    pub(crate) const fn new(directory: PathBuf) -> Self {
        Self(directory)
    }

    fn path(&self, server: &str) -> PathBuf {
        self.0.join(format!("{server}.json"))
    }

    /// Returns the approved tools of a server with this configuration. There are none if the file cannot be read,
    /// and if another configuration was approved.
    pub(crate) fn get(&self, server: &str, configuration: &str) -> Option<ApprovedTools> {
        let approved: ApprovedTools =
            serde_json::from_str(&read_small(&self.path(server), LARGEST)?).ok()?;
        (approved.configuration == configuration).then_some(approved)
    }

    /// Whether nothing was ever approved of a server, in any configuration.
    pub(crate) fn is_new(&self, server: &str) -> bool {
        matches!(self.path(server).try_exists(), Ok(false))
    }

    /// Approves the tools of a server.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(crate) fn set(&self, server: &str, approved: &ApprovedTools) -> Result<(), ConfigError> {
        let text = serde_json::to_string(approved)
            .map_err(|error| ConfigError::Setting(error.to_string()))?;
        if u64::try_from(text.len()).is_ok_and(|bytes| bytes >= LARGEST) {
            let bytes = text.len();
            let what =
                format!("the tools of {server} have {bytes} bytes; at most {LARGEST} are kept");
            return Err(ConfigError::Setting(what));
        }
        write_atomically(&self.path(server), (text + "\n").as_bytes(), Access::Secret)
    }

    /// Removes what was approved of a server.
    pub(crate) fn remove(&self, server: &str) {
        // What is not there need not be removed.
        fs::remove_file(self.path(server)).ok();
    }
}
