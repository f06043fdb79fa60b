//! The kit of sandboxes, for the sandboxes that confine, and for ones with a fault, in which it has to
//! find the fault.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use az_core::testing::{Capabilities, Fixture};
use az_mcp::sandbox::{
    Bwrap, Landlock, NetworkAccess, Sandbox, SandboxError, SandboxPolicy, SandboxTier,
    SandboxedChild, SandboxedCommand, Unconfined,
};
use az_mcp::testing::sandbox::{SandboxFixture, sandbox};
use tempfile::TempDir;

use crate::support::{outside_of_tmp, tiers};

/// A sandbox, and a directory.
struct Kit(Arc<dyn Sandbox>, TempDir);

impl Kit {
    fn new(sandbox: Arc<dyn Sandbox>) -> Self {
        Self(sandbox, outside_of_tmp())
    }
}

#[async_trait]
impl Fixture<dyn Sandbox> for Kit {
    async fn open(&self) -> Arc<dyn Sandbox> {
        Arc::clone(&self.0)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }
}

impl SandboxFixture for Kit {
    fn directory(&self) -> PathBuf {
        self.1.path().to_owned()
    }
}

fn sandbox_of(tier: SandboxTier) -> Arc<dyn Sandbox> {
    match tier {
        SandboxTier::None => Arc::new(Unconfined),
        SandboxTier::Landlock => Arc::new(Landlock),
        SandboxTier::Bwrap => Arc::new(Bwrap::default()),
    }
}

#[tokio::test]
async fn the_sandboxes_keep_their_contract() {
    for tier in tiers() {
        let report = sandbox(|| Kit::new(sandbox_of(tier))).await;
        assert_eq!(report.failed(), Vec::<&str>::new(), "{tier}\n{report}");
    }
}

/// The fault of a sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Broken {
    /// Breaks `Sandbox` 1.
    Probe,
    /// Breaks `Sandbox` 2.
    Writing,
    /// Breaks `Sandbox` 3.
    Hiding,
    /// Breaks `Sandbox` 4.
    Network,
    /// Breaks `Sandbox` 5.
    Descendants,
    /// Breaks `Sandbox` 6.
    Refusing,
    /// Breaks `Sandbox` 7.
    Variables,
    /// Breaks `Sandbox` 8.
    Marks,
    /// Breaks `Sandbox` 9.
    Start,
}

#[derive(Debug)]
struct Saboteur(Broken, Arc<dyn Sandbox>);

#[async_trait]
impl Sandbox for Saboteur {
    fn tier(&self) -> SandboxTier {
        self.1.tier()
    }

    fn probe(&self) -> Result<(), SandboxError> {
        self.1.probe()
    }

    async fn spawn(
        &self,
        mut command: SandboxedCommand,
        mut policy: SandboxPolicy,
    ) -> Result<SandboxedChild, SandboxError> {
        match self.0 {
            Broken::Probe => return Bwrap::new("/nonexistent").spawn(command, policy).await,
            Broken::Writing => {
                policy.write.extend(policy.write[0].parent().map(Into::into));
                policy.hide.clear();
            }
            Broken::Hiding => policy.hide.clear(),
            Broken::Network => policy.network = NetworkAccess::On,
            Broken::Descendants if command.args[1].contains("(setsid") => {
                return Unconfined.spawn(command, policy).await;
            }
            Broken::Refusing => {
                let write = policy.write[0].clone();
                policy.hide.retain(|path| !path.starts_with(&write));
            }
            Broken::Variables => command.env.clear(),
            Broken::Marks => command.marks.clear(),
            Broken::Start => {
                let sandbox = Arc::clone(&self.1);
                tokio::spawn(async move {
                    let mut child = sandbox.spawn(command, policy).await.unwrap();
                    child.wait().await.unwrap();
                });
                return std::future::pending().await;
            }
            Broken::Descendants => {}
        }
        self.1.spawn(command, policy).await
    }
}

#[tokio::test]
async fn the_kit_finds_every_fault() {
    use Broken::*;
    for tier in tiers() {
        for (broken, fails) in [
            (Hiding, "hidden_files_cannot_be_read"),
            (Network, "no_host_can_be_connected_to"),
            (Descendants, "what_a_command_starts_is_confined"),
            (Refusing, "a_policy_is_enforced_or_refused"),
            (Variables, "a_command_runs_as_it_is"),
            (Marks, "processes_are_found_by_their_marks"),
            (Writing, "only_what_is_writable_can_be_changed"),
            (Probe, "what_probes_well_runs_commands"),
            (Start, "a_start_that_is_given_up_leaves_no_process"),
        ] {
            let make = || Kit::new(Arc::new(Saboteur(broken, sandbox_of(tier))));
            let verdict = az_mcp::testing::sandbox::run(fails, &make()).await;
            let failed = matches!(verdict, az_core::testing::Verdict::Failed(_));
            assert!(failed, "{tier}: {broken:?} was not found: {verdict:?}");
        }
    }
}
