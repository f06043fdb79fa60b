//! The options of sandboxes, and the choice of one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::hidden::hidden;
use super::protected::protected;
use super::{
    Bridge, Bwrap, HostPattern, Landlock, NetworkAccess, ReadAccess, Sandbox, SandboxError,
    SandboxPolicy, SandboxTier, TempDirs, Unconfined, own,
};

/// Which sandbox commands run in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SandboxMode {
    /// The strongest that works on the machine: [`Bwrap`], else [`Landlock`]. If none works, no
    /// command is run.
    #[default]
    Auto,
    /// [`Landlock`].
    Landlock,
    /// [`Bwrap`].
    Bwrap,
    /// None: commands can do all that the user can.
    Off,
}

/// The sandbox that commands run in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ChosenSandbox {
    /// The sandbox.
    pub sandbox: Arc<dyn Sandbox>,
    /// Why stronger ones are not used.
    pub skipped: Vec<String>,
}

impl ChosenSandbox {
    fn new(sandbox: Arc<dyn Sandbox>, skipped: Vec<String>) -> Self {
        Self { sandbox, skipped }
    }
}

/// What commands may connect to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AllowedNetwork {
    /// Nothing.
    #[default]
    Off,
    /// These hosts, through a proxy.
    Hosts(Vec<HostPattern>),
    /// Everything.
    On,
}

/// How commands are confined.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SandboxOptions {
    /// Which sandbox is used.
    pub mode: SandboxMode,
    /// What commands may connect to.
    pub network: AllowedNetwork,
    /// The program that connects commands with the proxy; needed for some hosts only.
    pub bridge: Option<Bridge>,
    /// What they may read.
    pub read: ReadAccess,
    /// The directories and files that they may change beside the workspace.
    pub write: Vec<PathBuf>,
    /// Files and directories that they may not read, beside those with well-known secrets.
    pub hide: Vec<PathBuf>,
    /// Files and directories that they may read although they hold secrets.
    pub show: Vec<PathBuf>,
    /// Files and directories that decide what commands may do, such as the configuration. They are
    /// hidden, and commands that could create them are not run.
    pub own: Vec<PathBuf>,
    /// The directories for temporary files.
    pub temp: TempDirs,
}

impl SandboxOptions {
    /// Creates the options of this mode, with their defaults.
    pub fn new(mode: SandboxMode) -> Self {
        Self { mode, ..Self::default() }
    }

    /// Returns the sandbox that commands run in. This blocks for some milliseconds.
    ///
    /// # Errors
    ///
    /// `Unavailable` if the one that is configured does not work on this machine, `Unsupported` if it
    /// cannot limit the network to some hosts as configured, `NoneWorks` if any may be used and none
    /// works.
    pub fn choose(&self) -> Result<ChosenSandbox, SandboxError> {
        let strongest_first: Vec<Arc<dyn Sandbox>> = match self.mode {
            SandboxMode::Auto => vec![Arc::new(Bwrap::default()), Arc::new(Landlock)],
            SandboxMode::Landlock => vec![Arc::new(Landlock)],
            SandboxMode::Bwrap => vec![Arc::new(Bwrap::default())],
            SandboxMode::Off => return Ok(ChosenSandbox::new(Arc::new(Unconfined), Vec::new())),
        };
        let is_free = strongest_first.len() > 1;
        let mut reasons = Vec::new();
        for sandbox in strongest_first {
            match self.probe(&*sandbox) {
                Ok(()) => return Ok(ChosenSandbox::new(sandbox, reasons)),
                Err(error) if !is_free => return Err(error),
                Err(SandboxError::Unavailable { tier, reason }) => {
                    reasons.push(format!("{tier}: {reason}"));
                }
                Err(SandboxError::Unsupported { tier, what, .. }) => {
                    reasons.push(format!("{tier}: it {what}"));
                }
                Err(error) => reasons.push(error.to_string()),
            }
        }
        Err(SandboxError::NoneWorks { reasons })
    }

    /// Checks that a sandbox works and can limit the network as configured.
    fn probe(&self, sandbox: &dyn Sandbox) -> Result<(), SandboxError> {
        let needs_proxy = matches!(self.network, AllowedNetwork::Hosts(_));
        if needs_proxy && sandbox.tier() == SandboxTier::Landlock {
            return Err(SandboxError::no_hosts());
        }
        sandbox.probe()
    }

    /// Returns the policy of commands in a workspace, with this directory for temporary files, of a
    /// user with these home directories. Access to some hosts only is none: it needs a proxy.
    ///
    /// # Errors
    ///
    /// `Unprotected` if commands could change a home directory as a whole, or what is in `own`.
    pub fn policy(
        &self,
        workspace: &Path,
        temp: PathBuf,
        homes: &[PathBuf],
    ) -> Result<SandboxPolicy, SandboxError> {
        let network = match self.network {
            AllowedNetwork::On => NetworkAccess::On,
            AllowedNetwork::Off | AllowedNetwork::Hosts(_) => NetworkAccess::Off,
        };
        let mut hide = hidden(homes);
        hide.retain(|path| !self.show.contains(path));
        hide.extend(self.hide.iter().chain(&self.own).cloned());
        let protected = protected(workspace);
        let mut policy = SandboxPolicy::new(workspace, temp)
            .with_read(self.read.clone())
            .with_hidden(hide)
            .with_protected(protected.protect)
            .with_network(network);
        policy.write.extend(self.write.iter().cloned().chain(protected.write));
        if self.mode != SandboxMode::Off {
            own::check(&policy, &self.own, homes)?;
        }
        Ok(policy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn landlock_is_not_chosen_if_the_network_is_limited_to_some_hosts() {
        let mut options = SandboxOptions::new(SandboxMode::Landlock);
        options.network = AllowedNetwork::Hosts(Vec::new());
        let error = options.choose().unwrap_err();
        assert!(matches!(error, SandboxError::Unsupported { .. }), "{error}");
    }
}
