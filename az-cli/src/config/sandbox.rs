//! The section about the sandbox of commands.

use std::path::{Path, PathBuf};

use az_mcp::sandbox::{AllowedNetwork, HostPattern, ReadAccess, SandboxMode, SandboxOptions};
use serde::{Deserialize, Deserializer, de};

use super::load::FoundConfig;

/// The section about what the commands that tools run may do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SandboxSection {
    /// How commands are confined.
    pub tier: SandboxSetting,
    /// Whether they may use the network.
    pub network: NetworkSetting,
    /// The hosts that they may connect to.
    #[serde(deserialize_with = "hosts")]
    pub hosts: Vec<HostPattern>,
    /// What they may read; everything but secrets if it is empty.
    pub read: Vec<PathBuf>,
    /// What they may change beside the workspace.
    pub write: Vec<PathBuf>,
    /// What they may not read beside well-known secrets.
    pub hide: Vec<PathBuf>,
    /// Which well-known secrets they may read.
    pub show: Vec<PathBuf>,
}

/// How commands are confined.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SandboxSetting {
    /// The strongest way that works.
    #[default]
    Auto,
    /// By namespaces.
    Bwrap,
    /// By Landlock.
    Landlock,
    /// Not at all.
    Off,
}

/// Whether commands may use the network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NetworkSetting {
    /// They may not.
    #[default]
    Off,
    /// They may connect to some hosts.
    Hosts,
    /// They may.
    On,
}

/// Reads a list of hosts.
pub(super) fn hosts<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<HostPattern>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(de::Error::custom)).collect()
}

impl SandboxSection {
    /// Returns the options of the sandbox. `file` is the configuration that the section is from:
    /// relative paths begin at its files.
    pub fn options(&self, file: &FoundConfig) -> SandboxOptions {
        let beside = |key: &str, paths: &[PathBuf]| -> Vec<PathBuf> {
            paths.iter().map(|path: &PathBuf| file.beside(key, Path::new(path))).collect()
        };
        let mut options = SandboxOptions::new(match self.tier {
            SandboxSetting::Auto => SandboxMode::Auto,
            SandboxSetting::Bwrap => SandboxMode::Bwrap,
            SandboxSetting::Landlock => SandboxMode::Landlock,
            SandboxSetting::Off => SandboxMode::Off,
        });
        options.network = match self.network {
            NetworkSetting::Off => AllowedNetwork::Off,
            NetworkSetting::Hosts => AllowedNetwork::Hosts(self.hosts.clone()),
            NetworkSetting::On => AllowedNetwork::On,
        };
        if !self.read.is_empty() {
            options.read = ReadAccess::Only(beside("sandbox.read", &self.read));
        }
        options.write = beside("sandbox.write", &self.write);
        options.hide = beside("sandbox.hide", &self.hide);
        options.show = beside("sandbox.show", &self.show);
        options
    }
}
