//! The conformance kit of toolboxes for the built-in tools.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::testing::toolbox::{Example, ExpectedOutcome, ToolboxFixture};
use az_core::testing::{Capabilities, Fixture};
use az_core::tool::{Invocation, Toolbox};
use az_core::{CallId, TaskId};
use az_mcp::builtin::builtin_tools;
use az_mcp::builtin::shell::ShellOptions;
use serde_json::json;

use crate::support::Bench;

/// Checks `Tool` 4. The built-in tools, on which the kit of toolboxes runs.
struct Builtin(Bench);

impl Builtin {
    fn new() -> Self {
        let bench = Bench::new();
        std::fs::write(bench.at("there"), "text").unwrap();
        std::fs::write(bench.at("edited"), "x").unwrap();
        std::fs::write(bench.at("all"), "x").unwrap();
        Self(bench)
    }
}

impl Builtin {
    fn of_files(&self) -> Vec<Example> {
        let example =
            |tool, arguments, comes_to| Example::new(self.0.call(tool, arguments), comes_to);
        vec![
            example(
                "filesystem.list",
                json!({"path": ".", "recursive": true}),
                ExpectedOutcome::Done,
            ),
            example("filesystem.list", json!({"path": "nowhere"}), ExpectedOutcome::Failed),
            example("filesystem.list", json!({}), ExpectedOutcome::Invalid),
            example("filesystem.read", json!({"path": "there"}), ExpectedOutcome::Done),
            example("filesystem.read", json!({"path": "../secret"}), ExpectedOutcome::Failed),
            example(
                "filesystem.read",
                json!({"path": "there", "line": 1}),
                ExpectedOutcome::Invalid,
            ),
            example(
                "filesystem.write",
                json!({"path": "w", "content": "x"}),
                ExpectedOutcome::Done,
            ),
            example(
                "filesystem.write",
                json!({"path": "there", "content": "x", "append": true}),
                ExpectedOutcome::Done,
            ),
            example(
                "filesystem.write",
                json!({"path": "there", "content": "text"}),
                ExpectedOutcome::Replaces,
            ),
            example(
                "filesystem.write",
                json!({"path": ".", "content": "x"}),
                ExpectedOutcome::Failed,
            ),
            example(
                "filesystem.write",
                json!({"path": "w", "content": 1}),
                ExpectedOutcome::Invalid,
            ),
            example(
                "filesystem.edit",
                json!({"path": "edited", "old_string": "x", "new_string": "x x"}),
                ExpectedOutcome::Replaces,
            ),
            example(
                "filesystem.edit",
                json!({"path": "all", "old_string": "x", "new_string": "xx", "replace_all": true}),
                ExpectedOutcome::Done,
            ),
            example(
                "filesystem.edit",
                json!({"path": "there", "old_string": "none", "new_string": "x"}),
                ExpectedOutcome::Failed,
            ),
            example("filesystem.edit", json!({"path": "there"}), ExpectedOutcome::Invalid),
            example("filesystem.search", json!({"pattern": "te.t"}), ExpectedOutcome::Done),
            example(
                "filesystem.search",
                json!({"pattern": "x", "path": "nowhere"}),
                ExpectedOutcome::Failed,
            ),
            example("filesystem.search", json!({"pattern": "("}), ExpectedOutcome::Invalid),
            example("filesystem.glob", json!({"pattern": "*"}), ExpectedOutcome::Done),
            example(
                "filesystem.glob",
                json!({"pattern": "*", "path": ".."}),
                ExpectedOutcome::Failed,
            ),
            example("filesystem.glob", json!({"pattern": "{"}), ExpectedOutcome::Invalid),
        ]
    }
}

#[async_trait]
impl Fixture<dyn Toolbox> for Builtin {
    async fn open(&self) -> Arc<dyn Toolbox> {
        Arc::new(builtin_tools(ShellOptions::default()).unwrap())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }
}

impl ToolboxFixture for Builtin {
    fn examples(&self) -> Vec<Example> {
        let task = TaskId::new(format!("kit-{}", std::process::id())).unwrap();
        let command =
            json!({"command": "sleep 1000 & (while :; do echo tick; sleep 0.01; done) &"});
        let background = Invocation::new(task, CallId::tool(0, 0), "shell.execute", command);
        let background = background.in_workspace(self.0.at("").to_str().unwrap());
        let example =
            |tool, arguments, comes_to| Example::new(self.0.call(tool, arguments), comes_to);
        let mut examples = self.of_files();
        examples.extend([
            example("shell.execute", json!({"command": "true"}), ExpectedOutcome::Done),
            example("shell.execute", json!({"command": "false"}), ExpectedOutcome::Failed),
            example("shell.execute", json!({"command": true}), ExpectedOutcome::Invalid),
            example("shell.execute", json!({"command": "sleep 1000"}), ExpectedOutcome::Endless),
            Example::new(background, ExpectedOutcome::Background),
            example("process.list", json!({"filter": "no-such"}), ExpectedOutcome::Done),
            example("process.list", json!({"pid": 1}), ExpectedOutcome::Invalid),
            example("output.read", json!({"call": "t0.0"}), ExpectedOutcome::Failed),
            example("output.read", json!({"offset": 1}), ExpectedOutcome::Invalid),
            example(
                "todo.set",
                json!({"items": [{"text": "test", "status": "pending"}]}),
                ExpectedOutcome::Done,
            ),
            example(
                "todo.set",
                json!({"items": [{"text": "test", "status": "begun"}]}),
                ExpectedOutcome::Invalid,
            ),
        ]);
        examples
    }
}

mod builtin {
    az_core::toolbox_conformance! { make: super::Builtin::new, skips: [] }
}
