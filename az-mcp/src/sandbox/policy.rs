//! What a command in a sandbox may do.

use std::fmt;
use std::path::PathBuf;

use super::Bridge;

/// What a command may read, write and connect to. All paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SandboxPolicy {
    /// The directories and files that it may change.
    pub write: Vec<PathBuf>,
    /// Its private directory for temporary files, which `TMPDIR` names. It exists.
    pub temp: PathBuf,
    /// What it may read, beside what it may change.
    pub read: ReadAccess,
    /// Files and directories that it may not read, wherever they are. Those that do not exist are
    /// ignored.
    pub hide: Vec<PathBuf>,
    /// Files and directories beneath `write` that it should not change, as far as the sandbox can
    /// prevent it. Those that do not exist are ignored.
    pub protect: Vec<PathBuf>,
    /// What it may connect to.
    pub network: NetworkAccess,
}

impl SandboxPolicy {
    /// Creates a policy that allows changing a directory, reading everything, and no network.
    pub fn new(workspace: impl Into<PathBuf>, temp: impl Into<PathBuf>) -> Self {
        Self {
            write: vec![workspace.into()],
            temp: temp.into(),
            read: ReadAccess::Everything,
            hide: Vec::new(),
            protect: Vec::new(),
            network: NetworkAccess::Off,
        }
    }

    /// Sets what may not be read.
    #[must_use]
    pub fn with_hidden(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.hide = paths.into_iter().collect();
        self
    }

    /// Sets what may be read.
    #[must_use]
    pub fn with_read(mut self, read: ReadAccess) -> Self {
        self.read = read;
        self
    }

    /// Sets what may be connected to.
    #[must_use]
    pub fn with_network(mut self, network: NetworkAccess) -> Self {
        self.network = network;
        self
    }

    /// Sets what should not be changed.
    #[must_use]
    pub fn with_protected(mut self, paths: impl IntoIterator<Item = PathBuf>) -> Self {
        self.protect = paths.into_iter().collect();
        self
    }
}

/// What a command may read.
///
/// Exhaustive, so that each sandbox handles every case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ReadAccess {
    /// Everything that is not hidden.
    #[default]
    Everything,
    /// These directories and files, and the system's programs and libraries.
    Only(Vec<PathBuf>),
}

/// What a command may connect to.
///
/// Exhaustive, so that each sandbox handles every case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum NetworkAccess {
    /// Nothing.
    #[default]
    Off,
    /// The hosts that a proxy lets through.
    Proxy(ProxyAccess),
    /// Everything.
    On,
}

/// How a command reaches a proxy.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProxyAccess {
    /// The socket of the proxy.
    pub socket: PathBuf,
    /// The credential of the command.
    pub credential: String,
    /// The program that connects the command with the socket.
    pub bridge: Bridge,
}

impl ProxyAccess {
    /// Creates the access to a proxy.
    pub fn new(socket: impl Into<PathBuf>, credential: impl Into<String>, bridge: Bridge) -> Self {
        Self { socket: socket.into(), credential: credential.into(), bridge }
    }
}

impl fmt::Debug for ProxyAccess {
    /// The credential is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProxyAccess")
            .field("socket", &self.socket)
            .field("bridge", &self.bridge)
            .finish_non_exhaustive()
    }
}
