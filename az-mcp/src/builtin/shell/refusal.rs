//! Recognizes that a command failed because of its sandbox.

use crate::sandbox::{NetworkAccess, SandboxPolicy, SandboxTier};

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

/// What `bwrap` prints if it fails before it has started the command.
const NOT_SET_UP: &str = "bwrap: ";

/// Returns a note for the model if the output of a failed command indicates that the sandbox has
/// refused something.
pub(super) fn note(tier: SandboxTier, policy: &SandboxPolicy, stderr: &str) -> Option<String> {
    if tier == SandboxTier::None {
        return None;
    }
    if tier == SandboxTier::Bwrap && stderr.starts_with(NOT_SET_UP) {
        return Some("[the sandbox was not set up, and the command was not run]".to_owned());
    }
    let stderr = stderr.to_lowercase();
    let has = |signs: &[&str]| signs.iter().any(|sign| stderr.contains(sign));
    let unreachable = policy.network == NetworkAccess::Off && has(&NETWORK_SIGNS);
    (unreachable || has(&SIGNS))
        .then(|| format!("[{}. What else is refused needs another configuration]", allowed(policy)))
}

/// Returns what commands may do, in a sentence without its period.
pub(super) fn allowed(policy: &SandboxPolicy) -> String {
    let more: Vec<_> = policy.write.iter().skip(1).map(|path| path.display().to_string()).collect();
    let more = if more.is_empty() { String::new() } else { format!(", {}", more.join(", ")) };
    let network = match policy.network {
        NetworkAccess::Off => "cannot use the network",
        NetworkAccess::On => "can use the network",
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
        let policy = SandboxPolicy::new("/w", "/t");
        let note = |stderr| note(SandboxTier::Landlock, &policy, stderr);
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
        assert_eq!(super::note(SandboxTier::None, &policy, "Permission denied"), None);
        let on = SandboxPolicy::new("/w", "/t").with_network(NetworkAccess::On);
        assert_eq!(super::note(SandboxTier::Bwrap, &on, "Could not resolve host: x"), None);
        assert!(super::note(SandboxTier::Bwrap, &on, "bwrap: Can't mkdir x").is_some());
    }
}
