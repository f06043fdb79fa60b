//! The errors of sandboxes.

use std::io;
use std::path::PathBuf;

use super::SandboxTier;

/// Why a command was not started in a sandbox.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The sandbox does not work on this machine.
    #[error("the sandbox \"{tier}\" does not work on this machine: {reason}")]
    Unavailable {
        /// The sandbox.
        tier: SandboxTier,
        /// The reason.
        reason: String,
    },
    /// None of the sandboxes works on this machine.
    #[error(
        "no sandbox works on this machine ({}), so commands are not run; install bubblewrap, use \
         Linux 6.2 or later with Landlock, or set sandbox.tier to \"off\" to run commands unconfined",
        reasons.join("; ")
    )]
    NoneWorks {
        /// Why each of them does not.
        reasons: Vec<String>,
    },
    /// The sandbox cannot enforce the policy.
    #[error("the sandbox \"{tier}\" {what}; {remedy}")]
    Unsupported {
        /// The sandbox.
        tier: SandboxTier,
        /// What it cannot do.
        what: String,
        /// What to do about it.
        remedy: String,
    },
    /// Commands could change what decides what they may do.
    #[error(
        "commands must not be able to change {}, because {} is in it; use a directory of a project \
         as the workspace, or set sandbox.tier to \"off\" to run commands unconfined",
        write.display(), holds.display()
    )]
    Unprotected {
        /// What they may change.
        write: PathBuf,
        /// The home directory, or what `az` reads.
        holds: PathBuf,
    },
    /// Confining the command failed.
    #[error("cannot set up the sandbox: {what}: {source}")]
    Setup {
        /// What failed.
        what: String,
        /// The error of the system.
        source: io::Error,
    },
    /// Starting the command failed.
    #[error("{0}")]
    Spawn(#[from] io::Error),
}

impl SandboxError {
    /// Creates the error that Landlock cannot limit the network to some hosts.
    pub(super) fn no_hosts() -> Self {
        Self::Unsupported {
            tier: SandboxTier::Landlock,
            what: "cannot limit the network to some hosts".to_owned(),
            remedy: "install bubblewrap, or set sandbox.network to \"off\" or \"on\"".to_owned(),
        }
    }

    /// Creates the error that a step of the preparation failed.
    pub(super) fn setup(what: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self::Setup { what: what.into(), source: source.into() }
    }
}
