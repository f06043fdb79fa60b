//! Recognizes that a command failed because of its sandbox.

use std::path::PathBuf;

use crate::sandbox::{AllowedNetwork, SandboxOptions, SandboxTier};

/// What programs print if the system does not let them do something, in lower case.
const SIGNS: [&str; 7] = [
    "permission denied",
    "operation not permitted",
    "read-only file system",
    "eacces",
    "eperm",
    "erofs",
    "bad system call",
];

/// What programs print if they cannot reach a host, in lower case.
const NETWORK_SIGNS: [&str; 8] = [
    "could not resolve",
    "couldn't resolve",
    "name resolution",
    "name or service not known",
    "network is unreachable",
    "enetunreach",
    "eai_again",
    "failed to lookup address",
];

/// Returns a note for the model if the output of a failed command indicates that the sandbox has
/// refused something.
pub(super) fn note(tier: SandboxTier, options: &SandboxOptions, stderr: &str) -> Option<String> {
    if tier == SandboxTier::None {
        return None;
    }
    let stderr = stderr.to_lowercase();
    let has = |signs: &[&str]| signs.iter().any(|sign| stderr.contains(sign));
    let unreachable = options.network != AllowedNetwork::On && has(&NETWORK_SIGNS);
    (unreachable || has(&SIGNS)).then(|| {
        format!(
            "[{}. What else is refused needs another configuration]",
            allowed(&options.write, &options.network)
        )
    })
}

/// Returns what commands may do that can change these files beside the workspace, in a sentence without
/// its period.
pub(super) fn allowed(write: &[PathBuf], network: &AllowedNetwork) -> String {
    let more: String = write.iter().map(|path| format!(", {}", path.display())).collect();
    let network = match network {
        AllowedNetwork::Off => "cannot use the network".to_owned(),
        AllowedNetwork::On => "can use the network".to_owned(),
        AllowedNetwork::Hosts(hosts) => {
            let hosts: Vec<_> = hosts.iter().map(ToString::to_string).collect();
            format!("can connect, through the proxy in HTTPS_PROXY, to {}", hosts.join(", "))
        }
    };
    format!(
        "Commands run in a sandbox: they can change files in the workspace{more} and $TMPDIR only, \
         cannot read files with keys, and {network}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_the_sandbox_has_stopped_gets_a_note() {
        let options = SandboxOptions::default();
        let note = |stderr| note(SandboxTier::Landlock, &options, stderr);
        for refused in [
            "touch: cannot touch '/etc/x': Permission denied",
            "sh: 1: cannot create /x: Read-only file system",
            "curl: (6) Could not resolve host: example.org",
            "Error: connect EPERM 1.2.3.4:443",
        ] {
            let expect = "[Commands run in a sandbox: they can change files in the workspace and \
                          $TMPDIR only, cannot read files with keys, and cannot use the network. What \
                          else is refused needs another configuration]";
            assert_eq!(note(refused).as_deref(), Some(expect), "{refused}");
        }
        assert_eq!(note("error: test failed"), None);
        assert_eq!(super::note(SandboxTier::None, &options, "Permission denied"), None);
        let on = SandboxOptions { network: AllowedNetwork::On, ..SandboxOptions::default() };
        assert_eq!(super::note(SandboxTier::Bwrap, &on, "Could not resolve host: x"), None);
        assert_eq!(super::note(SandboxTier::Bwrap, &on, "bwrap: Can't mkdir x"), None);
    }
}
