//! The contract of sandboxes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use async_trait::async_trait;

use super::{SandboxError, SandboxPolicy, SandboxedChild};

/// The name of a variable that the processes of a sandbox itself have, and the command does not:
/// what looks for the processes of a command leaves them out.
pub const HELPER: &str = "AZ_SANDBOX_HELPER";

/// Runs commands that may only do what a policy allows.
///
/// # Contract
///
/// 1. [`probe`](Self::probe) succeeds only if the sandbox works on this machine. If it does not,
///    [`spawn`](Self::spawn) starts nothing.
/// 2. The command can create, change and remove files only beneath the policy's `write` and `temp`.
/// 3. The command can read no file beneath the policy's `hide`.
/// 4. Without network access, the command can connect to no host, and no process outside of the
///    sandbox can connect to it.
/// 5. What holds for the command holds for all processes that it starts, as long as they live.
/// 6. A policy that the sandbox cannot enforce is refused with [`SandboxError::Unsupported`], before
///    anything is started. The error says what to do.
/// 7. The command runs in its directory with exactly its variables, and the variables of the policy
///    that the sandbox sets: `TMPDIR`. Its output and its exit code are passed on, and it
///    is reported if it was not run. It is the
///    leader of a new session without a terminal, its standard input is empty, and it inherits no
///    other file descriptors.
/// 8. All processes of the command can be found by the variables in its `marks`, and ended, by
///    processes outside of the sandbox. A process that the command leaves running lives on when the
///    command has exited.
/// 9. If the future of [`spawn`](Self::spawn) is dropped, no process of the command is left running.
#[async_trait]
pub trait Sandbox: fmt::Debug + Send + Sync + 'static {
    /// Returns which sandbox it is.
    fn tier(&self) -> SandboxTier;

    /// Checks that the sandbox works on this machine. This blocks, for some milliseconds.
    ///
    /// # Errors
    ///
    /// `Unavailable` with the reason.
    fn probe(&self) -> Result<(), SandboxError>;

    /// Starts a command. It must be called within a Tokio runtime.
    ///
    /// # Errors
    ///
    /// `Unsupported` for a policy that the sandbox cannot enforce, `Setup` if confining the command
    /// failed, `Spawn` if starting it failed.
    async fn spawn(
        &self,
        command: SandboxedCommand,
        policy: SandboxPolicy,
    ) -> Result<SandboxedChild, SandboxError>;
}

/// How a command is confined.
///
/// Exhaustive, so that what a tier cannot do is told of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SandboxTier {
    /// Not at all.
    None,
    /// By Landlock rules and a seccomp filter.
    Landlock,
    /// By namespaces, which `bwrap` (bubblewrap) creates, and a seccomp filter.
    Bwrap,
}

impl fmt::Display for SandboxTier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Landlock => "landlock",
            Self::Bwrap => "bwrap",
        })
    }
}

/// A command to start.
#[derive(Clone)]
#[non_exhaustive]
pub struct SandboxedCommand {
    /// The program, by an absolute path.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<String>,
    /// All of its variables, except `marks`.
    pub env: BTreeMap<String, String>,
    /// The directory that it runs in.
    pub directory: PathBuf,
    /// Variables that the processes of the sandbox itself have, too.
    pub marks: BTreeMap<String, String>,
}

impl SandboxedCommand {
    /// Creates a command without arguments and variables.
    pub fn new(program: impl Into<PathBuf>, directory: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            env: BTreeMap::new(),
            directory: directory.into(),
            marks: BTreeMap::new(),
        }
    }

    /// Sets the arguments.
    #[must_use]
    pub fn with_args<S: Into<String>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args = args.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the variables.
    #[must_use]
    pub fn with_env(mut self, env: BTreeMap<String, String>) -> Self {
        self.env = env;
        self
    }

    /// Adds a variable by which the processes can be found.
    #[must_use]
    pub fn with_mark(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.marks.insert(name.into(), value.into());
        self
    }
}

impl fmt::Debug for SandboxedCommand {
    /// Values of variables may be secrets: only the names are shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxedCommand")
            .field("program", &self.program)
            .field("args", &self.args)
            .field("env", &self.env.keys())
            .field("directory", &self.directory)
            .field("marks", &self.marks)
            .finish()
    }
}
