//! The sandboxes of Linux on other systems: they do not work.

use async_trait::async_trait;

use super::{Sandbox, SandboxError, SandboxPolicy, SandboxTier, SandboxedChild, SandboxedCommand};

/// The sandbox of Landlock and seccomp, which only Linux has.
#[derive(Debug, Clone, Copy, Default)]
pub struct Landlock;

/// The sandbox of namespaces, which only Linux has.
#[derive(Debug, Clone, Default)]
pub struct Bwrap;

macro_rules! linux_only {
    ($sandbox:ident) => {
        #[async_trait]
        impl Sandbox for $sandbox {
            fn tier(&self) -> SandboxTier {
                SandboxTier::$sandbox
            }

            fn probe(&self) -> Result<(), SandboxError> {
                let reason = "it needs Linux".to_owned();
                Err(SandboxError::Unavailable { tier: self.tier(), reason })
            }

            async fn spawn(
                &self,
                _command: SandboxedCommand,
                _policy: SandboxPolicy,
            ) -> Result<SandboxedChild, SandboxError> {
                Err(self
                    .probe()
                    .err()
                    .unwrap_or_else(|| SandboxError::NoneWorks { reasons: vec![] }))
            }
        }
    };
}

linux_only!(Landlock);
linux_only!(Bwrap);
