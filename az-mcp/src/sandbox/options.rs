//! The options of sandboxes, and the choice of one.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::hidden::hidden;
use super::{
    Bridge, Bwrap, HostPattern, Landlock, NetworkAccess, ReadAccess, Sandbox, SandboxError,
    SandboxPolicy, TempDirs, Unconfined,
};

/// Files of a workspace that change what the tools of its user do. A command that changes one could
/// have its own commands run outside of the sandbox.
const PROTECTED: [&str; 14] = [
    ".git/config",
    ".git/hooks",
    ".git/info/attributes",
    ".github/workflows",
    ".gitlab-ci.yml",
    ".circleci",
    ".envrc",
    ".idea",
    ".mcp.json",
    ".vscode",
    "AGENTS.md",
    "CLAUDE.md",
    "Jenkinsfile",
    "az.toml",
];

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
    /// `Unavailable` if the one that is asked for does not work on this machine, `NoneWorks` if any
    /// may be used and none works.
    pub fn choose(&self) -> Result<Arc<dyn Sandbox>, SandboxError> {
        let strongest_first: Vec<Arc<dyn Sandbox>> = match self.mode {
            SandboxMode::Auto => vec![Arc::new(Bwrap::default()), Arc::new(Landlock)],
            SandboxMode::Landlock => vec![Arc::new(Landlock)],
            SandboxMode::Bwrap => vec![Arc::new(Bwrap::default())],
            SandboxMode::Off => return Ok(Arc::new(Unconfined)),
        };
        let is_free = strongest_first.len() > 1;
        let mut reasons = Vec::new();
        for sandbox in strongest_first {
            match sandbox.probe() {
                Ok(()) => return Ok(sandbox),
                Err(error) if !is_free => return Err(error),
                Err(SandboxError::Unavailable { tier, reason }) => {
                    reasons.push(format!("{tier}: {reason}"));
                }
                Err(error) => reasons.push(error.to_string()),
            }
        }
        Err(SandboxError::NoneWorks { reasons })
    }

    /// Returns the policy of commands in a workspace, with this directory for temporary files, of a
    /// user with this home directory. Access to some hosts only is none: it needs a proxy.
    pub fn policy(&self, workspace: &Path, temp: PathBuf, home: Option<&Path>) -> SandboxPolicy {
        let network = match self.network {
            AllowedNetwork::On => NetworkAccess::On,
            AllowedNetwork::Off | AllowedNetwork::Hosts(_) => NetworkAccess::Off,
        };
        let mut hide = hidden(home);
        hide.retain(|path| !self.show.contains(path));
        hide.extend(self.hide.iter().cloned());
        let protected = PROTECTED.iter().map(|name| workspace.join(name));
        let mut policy = SandboxPolicy::new(workspace, temp)
            .with_read(self.read.clone())
            .with_hidden(hide)
            .with_protected(protected)
            .with_network(network);
        policy.write.extend(self.write.iter().cloned());
        policy
    }
}
