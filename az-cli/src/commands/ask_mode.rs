//! The option `--ask`.

use az_core::task::UnattendedMode;
use clap::ValueEnum;

/// What to do about a call that needs an answer if no one can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum AskMode {
    /// Park the task until the call is answered
    Wait,
    /// End the task as failed
    Deny,
}

impl From<AskMode> for UnattendedMode {
    fn from(mode: AskMode) -> Self {
        match mode {
            AskMode::Wait => Self::Wait,
            AskMode::Deny => Self::Deny,
        }
    }
}
