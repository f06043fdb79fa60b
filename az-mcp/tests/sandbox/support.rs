//! A home directory with a workspace and secrets, and the commands in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use az_core::tool::{Invocation, ToolOutput, Toolbox};
use az_core::{CallId, TaskId};
use az_mcp::ToolRegistry;
use az_mcp::builtin::builtin_tools;
use az_mcp::builtin::shell::ShellOptions;
use az_mcp::sandbox::{
    AllowedNetwork, Bwrap, Landlock, Sandbox, SandboxMode, SandboxOptions, SandboxTier, TempDirs,
};
use serde_json::json;
use tempfile::TempDir;

/// Returns the tiers that confine commands.
pub(crate) fn tiers() -> Vec<SandboxTier> {
    let all: [Arc<dyn Sandbox>; 2] = [Arc::new(Landlock), Arc::new(Bwrap::default())];
    let works = |sandbox: &Arc<dyn Sandbox>| match sandbox.probe() {
        Ok(()) => true,
        Err(error) => {
            eprintln!("skipped: {error}");
            assert!(!is_in_ci(), "{error}");
            false
        }
    };
    all.iter().filter(|sandbox| works(sandbox)).map(|sandbox| sandbox.tier()).collect()
}

/// Whether all that tests need must be there.
#[expect(clippy::disallowed_methods, reason = "set in CI")]
fn is_in_ci() -> bool {
    std::env::var_os("AZ_PEERS").is_some()
}

/// Creates a directory that is not in `/tmp`, which a sandbox replaces.
pub(crate) fn outside_of_tmp() -> TempDir {
    let dir = tempfile::tempdir_in("/var/lib");
    dir.or_else(|_| tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))).unwrap()
}

/// A home directory with a project in it, which is the workspace, and secrets.
#[derive(Debug)]
pub(crate) struct Home {
    dir: TempDir,
    options: SandboxOptions,
    env: BTreeMap<String, String>,
    inherited: BTreeMap<String, String>,
    pub(crate) task: TaskId,
    tools: OnceLock<ToolRegistry>,
}

impl Home {
    pub(crate) fn new(tier: SandboxTier) -> Self {
        let dir = outside_of_tmp();
        let home = dir.path();
        for name in [
            "project/.git/hooks",
            "project/.github/workflows",
            ".ssh",
            ".config/gh",
            "other",
            "temp",
        ] {
            fs::create_dir_all(home.join(name)).unwrap();
        }
        for (name, text) in [
            (".ssh/id_ed25519", "the secret key"),
            (".netrc", "the secret password"),
            (".config/gh/hosts.yml", "the secret token"),
            ("other/notes", "the notes"),
            (".bashrc", "the profile"),
            ("project/.git/config", "[core]"),
            ("project/.git/hooks/pre-commit", "the hook"),
            ("project/AGENTS.md", "the rules"),
            ("project/.git/HEAD", "ref: refs/heads/main"),
            ("project/.github/workflows/ci.yml", "the workflow"),
            ("project/file", "the file"),
        ] {
            fs::write(home.join(name), text).unwrap();
        }
        for name in ["objects", "refs"] {
            fs::create_dir(home.join("project/.git").join(name)).unwrap();
        }
        symlink("AGENTS.md", home.join("project/CLAUDE.md")).unwrap();
        let mode = match tier {
            SandboxTier::None => SandboxMode::Off,
            SandboxTier::Landlock => SandboxMode::Landlock,
            SandboxTier::Bwrap => SandboxMode::Bwrap,
        };
        let mut options = SandboxOptions::new(mode);
        options.temp = TempDirs::new(home.join("temp/az"));
        let env = BTreeMap::from([("HOME".to_owned(), home.display().to_string())]);
        let task = dir.path().file_name().unwrap().to_str().unwrap();
        let task = TaskId::new(task).unwrap();
        let inherited = BTreeMap::new();
        Self { dir, options, env, inherited, task, tools: OnceLock::new() }
    }

    pub(crate) fn with_network(mut self) -> Self {
        self.options.network = AllowedNetwork::On;
        self
    }

    pub(crate) fn with_options(mut self, change: impl FnOnce(&mut SandboxOptions)) -> Self {
        change(&mut self.options);
        self
    }

    pub(crate) fn with_env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn with_inherited_env(mut self, name: &str, value: &str) -> Self {
        self.inherited.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Returns a path in the workspace.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join("project").join(name)
    }

    pub(crate) fn tools(&self) -> &ToolRegistry {
        self.tools.get_or_init(|| self.new_tools())
    }

    fn new_tools(&self) -> ToolRegistry {
        let path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let mut shell = ShellOptions::default()
            .with_env("PATH", path)
            .with_sandbox(self.options.clone())
            .with_default_timeout(Duration::from_secs(100));
        shell = shell.with_inherited_env(self.inherited.clone());
        shell.env.extend(self.env.clone());
        builtin_tools(shell).unwrap()
    }

    pub(crate) fn call(&self, command: &str) -> Invocation {
        let arguments = json!({"command": command});
        let call =
            Invocation::new(self.task.clone(), CallId::tool(0, 0), "shell.execute", arguments);
        let call = call.with_key(format!("{}:0", self.task));
        call.in_workspace(self.at("").to_str().unwrap())
    }

    /// Runs a command in the workspace.
    pub(crate) async fn run(&self, command: &str) -> ToolOutput {
        let tools = self.tools();
        let output = tools.call(self.call(command)).await.unwrap();
        tools.end_background(&self.task).await.ok();
        output
    }
}

/// Returns whether a process with this argument is running.
pub(crate) fn is_running(argument: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().flatten();
    processes.into_iter().any(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == argument.as_bytes())
    })
}
