//! The files with keys, tokens and passwords that commands cannot read unless they are allowed to.

use std::path::PathBuf;

/// Files and directories with secrets, below the home directory.
const IN_HOME: [&str; 59] = [
    ".anthropic",
    ".authinfo",
    ".authinfo.gpg",
    ".aws",
    ".azure",
    ".bash_history",
    ".boto",
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".config/1Password",
    ".config/BraveSoftware",
    ".config/Bitwarden",
    ".config/Signal",
    ".config/az",
    ".config/chromium",
    ".config/containers/auth.json",
    ".config/gcloud",
    ".config/gh",
    ".config/git/credentials",
    ".config/glab-cli",
    ".config/google-chrome",
    ".config/hub",
    ".config/op",
    ".config/rclone",
    ".config/sops",
    ".databrickscfg",
    ".docker",
    ".fly",
    ".gem/credentials",
    ".git-credentials",
    ".gnupg",
    ".huggingface/token",
    ".kube",
    ".local/share/az",
    ".local/share/keyrings",
    ".local/share/kwalletd",
    ".local/state/az",
    ".mozilla",
    ".my.cnf",
    ".mysql_history",
    ".netrc",
    ".node_repl_history",
    ".npmrc",
    ".oci",
    ".password-store",
    ".pgpass",
    ".psql_history",
    ".pypirc",
    ".python_history",
    ".s3cfg",
    ".sqlite_history",
    ".ssh",
    ".terraform.d/credentials.tfrc.json",
    ".thunderbird",
    ".vault-token",
    ".yarnrc.yml",
    ".zhistory",
    ".zsh_history",
    ".zsh_sessions",
];

/// Files and directories with secrets of the system. Most can only be read by root.
const IN_SYSTEM: [&str; 8] = [
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/ssl/private",
    "/run/secrets",
    "/run/user",
    "/var/run/secrets",
];

/// Returns the files and directories with secrets, for a user with these home directories.
pub(super) fn hidden(homes: &[PathBuf]) -> Vec<PathBuf> {
    let in_homes = homes.iter().flat_map(|home| IN_HOME.iter().map(|name| home.join(name)));
    IN_SYSTEM.iter().map(PathBuf::from).chain(in_homes).collect()
}
