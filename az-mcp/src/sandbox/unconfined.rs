//! The sandbox that confines nothing.

use async_trait::async_trait;

use super::session::{in_own_session, piped};
use super::{Sandbox, SandboxError, SandboxPolicy, SandboxTier, SandboxedChild, SandboxedCommand};

/// Runs commands unconfined, for machines without a sandbox and for programs that run in one.
///
/// It enforces nothing of a policy but that the command has its directory for temporary files.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unconfined;

#[async_trait]
impl Sandbox for Unconfined {
    fn tier(&self) -> SandboxTier {
        SandboxTier::None
    }

    fn probe(&self) -> Result<(), SandboxError> {
        Ok(())
    }

    async fn spawn(
        &self,
        command: SandboxedCommand,
        policy: SandboxPolicy,
    ) -> Result<SandboxedChild, SandboxError> {
        let mut process = piped(&command, &policy.temp);
        in_own_session(&mut process, Vec::new());
        Ok(SandboxedChild::new(process.spawn()?))
    }
}
