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
    match options.choose().map(|sandbox| sandbox.tier()) {
        Ok(SandboxTier::Bwrap) => CheckView::ok(SANDBOX, "bwrap: commands run in namespaces"),
        Ok(SandboxTier::Landlock) => {
            let found = "landlock: commands can change the workspace's git hooks and list hidden \
                         files, and cannot use sockets in the file system";
            CheckView::warning(SANDBOX, found).with_remedy("install bubblewrap 0.8 or later")
        }
        Ok(SandboxTier::None) => {
            let found = "commands run without a sandbox: they can do all that you can";
            CheckView::warning(SANDBOX, found).with_remedy("az config unset sandbox.tier")
        }
        Err(error) => {
            let remedy = match error {
                SandboxError::NoneWorks { .. } => "install bubblewrap 0.8 or later",
                _ => "az config set sandbox.tier auto",
            };
            CheckView::error(SANDBOX, error.to_string()).with_remedy(remedy)
        }
    }
}

#[cfg(test)]
mod tests {
    use az_mcp::sandbox::{SandboxMode, SandboxOptions};

    use super::of_options;
    use crate::views::CheckStatus;

    #[test]
    fn a_sandbox_that_is_off_is_a_warning() {
        let found = of_options(&SandboxOptions::new(SandboxMode::Off));
        assert_eq!(found.status, CheckStatus::Warning);
        assert_eq!(found.remedy.as_deref(), Some("az config unset sandbox.tier"));
    }
}
