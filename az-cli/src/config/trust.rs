//! Which project files are trusted: their paths, and the digests of what was trusted.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use az_core::digest::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Env;
use super::document::open_regular;
use super::problem::ConfigError;
use super::write::{Access, DirectoryLock, write_atomically};

/// The record of trusted project files.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TrustRecord {
    /// The digest of each trusted file by its path.
    projects: BTreeMap<String, String>,
}

impl TrustRecord {
    /// Returns the path of the record: in the user's directory for state.
    pub fn path(env: &Env) -> Option<PathBuf> {
        Some(env.base_dir("XDG_STATE_HOME", ".local/state")?.join("az/trusted-projects.json"))
    }

    /// Reads the record. One that does not exist trusts nothing, and neither does one that cannot be
    /// read.
    pub fn read(env: &Env) -> Self {
        let text = Self::path(env).and_then(|path| std::fs::read_to_string(path).ok());
        text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    /// Whether a file with this digest is trusted.
    pub fn trusts(&self, path: &Path, digest: &str) -> bool {
        self.projects.get(&name(path)).is_some_and(|trusted| trusted == digest)
    }

    /// Trusts a file with this digest.
    pub fn trust(&mut self, path: &Path, digest: String) {
        self.projects.insert(name(path), digest);
    }

    /// Ends the trust in a file; returns whether it was trusted, with this digest or another.
    pub fn revoke(&mut self, path: &Path) -> bool {
        self.projects.remove(&name(path)).is_some()
    }

    /// Changes the record, which only the user can read, while other processes of `az` wait.
    ///
    /// # Errors
    ///
    /// A settings error without a home directory, or the system's.
    pub fn change<T>(env: &Env, change: impl FnOnce(&mut Self) -> T) -> Result<T, ConfigError> {
        let path = Self::path(env).ok_or_else(|| {
            let what = "HOME is not set; set it, or XDG_STATE_HOME, to keep the record of trust";
            ConfigError::Setting(what.to_owned())
        })?;
        let _lock = DirectoryLock::of_file(&path, Access::Private)?;
        let mut record = Self::read(env);
        let result = change(&mut record);
        let text = serde_json::to_string_pretty(&record).unwrap_or_default() + "\n";
        write_atomically(&path, text.as_bytes(), Access::Private)?;
        Ok(result)
    }
}

fn name(path: &Path) -> String {
    path.canonicalize().unwrap_or_else(|_| path.to_owned()).display().to_string()
}

/// Returns the digest of a project file and of the files that it names, which are trusted together with it.
pub(super) fn digest(text: &str, named: &[PathBuf]) -> String {
    let mut hash = Sha256::new();
    hash.update(text.as_bytes());
    for path in named {
        hash.update([0]);
        hash.update(path.as_os_str().as_encoded_bytes());
        hash.update([0]);
        hash.update(digest_of_file(path).unwrap_or_else(|_| Sha256::digest([])));
    }
    hex(&hash.finalize())
}

/// Returns the digest of a regular file. Others are refused: a project names the file before it is
/// trusted, and a device or a pipe would not end.
fn digest_of_file(path: &Path) -> std::io::Result<sha2::digest::Output<Sha256>> {
    let (mut file, _) = open_regular(path)?;
    let mut hash = Sha256::new();
    let mut bytes = [0; 8192];
    loop {
        match file.read(&mut bytes)? {
            0 => return Ok(hash.finalize()),
            read => hash.update(bytes.get(..read).unwrap_or_default()),
        }
    }
}
