//! A temporary workspace, files outside of it, and the built-in tools.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use az_core::tool::{Invocation, PreparedCall, ToolOutput, Toolbox};
use az_mcp::ToolRegistry;
use az_mcp::builtin::builtin_tools;
use az_mcp::builtin::shell::ShellOptions;
use serde_json::Value;
use tempfile::TempDir;

/// A workspace, files outside of it that tools must not access, and the built-in tools.
#[derive(Debug)]
pub(crate) struct Bench {
    dir: TempDir,
    pub(crate) tools: ToolRegistry,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(ShellOptions::default().with_env("PATH", "/usr/local/bin:/usr/bin:/bin"))
    }

    pub(crate) fn with(shell: ShellOptions) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir(dir.path().join("inside")).unwrap();
        fs::create_dir(dir.path().join("inside_evil")).unwrap();
        fs::write(dir.path().join("secret"), "outside").unwrap();
        fs::write(dir.path().join("inside_evil/secret"), "outside").unwrap();
        Self { dir, tools: builtin_tools(shell).expect("the built-in tools") }
    }

    /// Replaces the tools by ones with other options of the shell.
    pub(crate) fn with_options(self, shell: ShellOptions) -> Self {
        Self { tools: builtin_tools(shell).expect("the built-in tools"), ..self }
    }

    /// Returns a path in the workspace.
    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.dir.path().join("inside").join(path)
    }

    /// Returns a path beside the workspace.
    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Returns a call with a unique key.
    pub(crate) fn call(&self, tool: &str, arguments: Value) -> Invocation {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let number = CALLS.fetch_add(1, Ordering::Relaxed);
        let mut call = Invocation::bare(tool, arguments).unwrap();
        call.key = format!("test-{}:{number}", std::process::id());
        call.in_workspace(self.dir.path().join("inside").to_str().unwrap())
    }

    /// Prepares a call whose arguments are valid.
    pub(crate) fn prepared(&self, call: &Invocation) -> PreparedCall {
        self.tools.prepare(call.clone()).expect("valid arguments")
    }

    /// Calls a tool with valid arguments; returns its output apart from the views of files.
    pub(crate) async fn run(&self, tool: &str, arguments: Value) -> ToolOutput {
        let mut output =
            self.tools.call(self.call(tool, arguments)).await.expect("valid arguments");
        output.seen.clear();
        output
    }
}
