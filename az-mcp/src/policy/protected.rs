//! Files that run code outside of the sandbox, or change what agents may do, when something else uses
//! them: writing them needs an approval of its own.

/// The protected files, and directories with all that is in them, at any depth.
pub(crate) const PROTECTED: &[&str] = &[
    // Of git: hooks, settings that name programs, and files that lead it to others.
    ".git",
    ".gitconfig",
    ".gitmodules",
    ".husky",
    ".pre-commit-config.yaml",
    // Instructions and settings of agents.
    "az.toml",
    "AGENTS.md",
    "CLAUDE.md",
    "GEMINI.md",
    ".cursorrules",
    ".cursor",
    ".claude",
    ".codex",
    ".gemini",
    ".mcp.json",
    ".github/copilot-instructions.md",
    // Run when a directory is entered or an editor opens it.
    ".envrc",
    ".vscode",
    ".idea",
    ".devcontainer",
    // Run by continuous integration.
    ".github/workflows",
    ".github/actions",
    ".gitlab-ci.yml",
    ".circleci",
    ".buildkite",
    ".woodpecker",
    ".drone.yml",
    ".travis.yml",
    ".ci",
    "Jenkinsfile",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    // Settings of tools that run programs or decide where packages come from.
    ".cargo/config.toml",
    ".cargo/config",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    // A home directory as the workspace.
    ".ssh",
    ".config",
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
];

/// Returns the protected file or directory that a path is, or is in; the case of letters does not count.
pub fn is_protected(path: &str) -> Option<&'static str> {
    let names: Vec<_> = path.split('/').filter(|name| !name.is_empty()).collect();
    (0..names.len()).find_map(|start| protected_at(names.get(start..).unwrap_or_default()))
}

/// Returns the protected file or directory that these names begin with.
fn protected_at(names: &[&str]) -> Option<&'static str> {
    let same = |name: &str, known: &str| trimmed(name).eq_ignore_ascii_case(known);
    let begins_with = |known: &str| {
        let mut known = known.split('/').peekable();
        let mut names = names.iter();
        while let Some(part) = known.next() {
            match names.next() {
                Some(name) if same(name, part) => {}
                _ => return false,
            }
            if known.peek().is_none() {
                return true;
            }
        }
        false
    };
    PROTECTED.iter().copied().find(|known| begins_with(known))
}

/// Returns a name without what some filesystems ignore at its end.
fn trimmed(name: &str) -> &str {
    name.trim_end_matches(['.', ' '])
}
