//! What a call accesses, as its arguments say and as it turns out.

use std::fmt;
use std::sync::Arc;

use crate::error::{Error, Result};

/// Something that a call accesses outside of the tool, for policies.
///
/// Paths are relative to the call's workspace, with `/` between names and without `.` and `..`; one
/// that is not in the workspace is absolute.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Access {
    /// Reads a file or lists a directory.
    Read {
        /// The path.
        path: String,
    },
    /// Creates, changes or deletes a file.
    Write {
        /// The path.
        path: String,
    },
    /// Runs a command of a shell.
    Command {
        /// The command.
        text: String,
        /// The names of the variables that the call sets for it.
        env: Vec<String>,
    },
    /// Connects to a host.
    Host {
        /// The name or the address.
        name: String,
    },
}

/// Decides about an access that a call makes by another name than its arguments say, for example
/// through a symbolic link.
///
/// A policy sees the arguments before the call, and performs no I/O. A tool therefore checks what a
/// path really leads to when it has opened it, before its effect.
#[derive(Clone, Default)]
pub struct AccessCheck(Option<Arc<Decide>>);

/// Returns why an access is refused.
type Decide = dyn Fn(&Access) -> std::result::Result<(), String> + Send + Sync;

impl AccessCheck {
    /// Creates a check by a function that returns why an access is refused.
    pub fn new(
        decide: impl Fn(&Access) -> std::result::Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(decide)))
    }

    /// Whether this is the default check, which accepts every access.
    pub const fn accepts_all(&self) -> bool {
        self.0.is_none()
    }

    /// Checks an access. The default check accepts every one.
    ///
    /// # Errors
    ///
    /// `Invalid` with the reason.
    pub fn check(&self, access: &Access) -> Result<()> {
        match &self.0 {
            None => Ok(()),
            Some(decide) => decide(access).map_err(|reason| Error::invalid("path", reason)),
        }
    }
}

impl fmt::Debug for AccessCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AccessCheck").field(&self.0.is_some()).finish()
    }
}
