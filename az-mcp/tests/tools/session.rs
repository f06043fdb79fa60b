//! A task of a model: what its calls show of files is remembered, as the engine does.

use std::sync::Arc;

use az_core::tool::{Invocation, SeenFiles, ToolOutput, Toolbox};
use serde_json::{Value, json};

use crate::support::Bench;

/// A workspace, and what a model has seen of it.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) bench: Bench,
    seen: SeenFiles,
}

impl Session {
    pub(crate) fn new() -> Self {
        Self { bench: Bench::new(), seen: SeenFiles::default() }
    }

    /// Returns a call of the model.
    pub(crate) fn call(&self, tool: &str, arguments: Value) -> Invocation {
        self.bench.call(tool, arguments).with_seen(Some(Arc::new(self.seen.clone())))
    }

    /// Makes a call; returns whether it succeeded, and its text.
    pub(crate) async fn run(&mut self, tool: &str, arguments: Value) -> (bool, String) {
        let output = self.bench.tools.call(self.call(tool, arguments)).await.unwrap();
        self.note(&output);
        (output.ok, output.text().into_owned())
    }

    pub(crate) fn note(&mut self, output: &ToolOutput) {
        output.seen.iter().for_each(|seen| self.seen.add(seen.clone()));
    }

    pub(crate) async fn read(&mut self, path: &str) -> String {
        let (ok, text) = self.run("filesystem.read", json!({"path": path})).await;
        assert!(ok, "{text}");
        text
    }

    pub(crate) async fn edit(&mut self, path: &str, old: &str, new: &str) -> (bool, String) {
        let arguments = json!({"path": path, "old_string": old, "new_string": new});
        self.run("filesystem.edit", arguments).await
    }

    pub(crate) async fn write(&mut self, path: &str, content: &str) -> (bool, String) {
        self.run("filesystem.write", json!({"path": path, "content": content})).await
    }

    #[track_caller]
    pub(crate) fn file(&self, path: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.bench.at(path), content).unwrap();
    }

    #[track_caller]
    pub(crate) fn content(&self, path: &str) -> String {
        String::from_utf8(std::fs::read(self.bench.at(path)).unwrap()).unwrap()
    }
}
