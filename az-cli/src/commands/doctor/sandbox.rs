//! Checks the sandbox of commands.

use az_mcp::sandbox::{SandboxError, SandboxOptions, SandboxTier};

use super::installation::Installation;
use crate::views::CheckView;

const SANDBOX: &str = "sandbox";

/// Checks that the configured sandbox works, and says what it cannot do.
pub(super) fn check(installation: &Installation) -> Vec<CheckView> {
    let Some(services) = &installation.services else { return Vec::new() };
    let settings = services.settings();
    vec![of_options(&settings.sandbox.options(&settings.file))]
}

fn of_options(options: &SandboxOptions) -> CheckView {
    let chosen = match options.choose() {
        Ok(chosen) => chosen,
        Err(error) => {
            let remedy = match error {
                SandboxError::NoneWorks { .. } => "install bubblewrap 0.8 or later",
                SandboxError::Unsupported { .. } => {
                    "install bubblewrap 0.8 or later, and `az config set sandbox.tier auto`"
                }
                _ => "az config set sandbox.tier auto",
            };
            return CheckView::error(SANDBOX, error.to_string()).with_remedy(remedy);
        }
    };
    match chosen.sandbox.tier() {
        SandboxTier::Bwrap => CheckView::ok(SANDBOX, "bwrap: commands run in namespaces"),
        SandboxTier::Landlock => landlock(&chosen.skipped),
        SandboxTier::None => {
            let found = "commands run without a sandbox: they can do all that you can";
            CheckView::warning(SANDBOX, found).with_remedy("az config unset sandbox.tier")
        }
    }
}

/// Says what Landlock cannot do, and why what is stronger is not used.
fn landlock(skipped: &[String]) -> CheckView {
    let limits = "landlock: commands can change the workspace's git hooks and list hidden files, \
                  and cannot use sockets in the file system";
    let (found, remedy) = match skipped {
        [] => (limits.to_owned(), "install bubblewrap 0.8 or later, and use sandbox.tier \"auto\""),
        skipped => {
            let skipped = skipped.join("; ");
            (format!("{limits}; not used: {skipped}"), "install bubblewrap 0.8 or later")
        }
    };
    CheckView::warning(SANDBOX, found).with_remedy(remedy)
}

#[cfg(test)]
mod tests {
    use az_mcp::sandbox::{AllowedNetwork, SandboxMode, SandboxOptions};

    use super::{landlock, of_options};
    use crate::views::CheckStatus;

    #[test]
    fn a_sandbox_that_is_off_is_a_warning() {
        let found = of_options(&SandboxOptions::new(SandboxMode::Off));
        assert_eq!(found.status, CheckStatus::Warning);
        assert_eq!(found.remedy.as_deref(), Some("az config unset sandbox.tier"));
    }

    #[test]
    fn landlock_with_a_network_of_some_hosts_is_an_error() {
        let mut options = SandboxOptions::new(SandboxMode::Landlock);
        options.network = AllowedNetwork::Hosts(Vec::new());
        assert_eq!(of_options(&options).status, CheckStatus::Error);
    }

    #[test]
    fn the_reason_why_a_stronger_sandbox_is_not_used_is_shown() {
        let found = landlock(&["bwrap: bubblewrap is not installed".to_owned()]);
        assert!(found.found.ends_with("; not used: bwrap: bubblewrap is not installed"));
    }
}
