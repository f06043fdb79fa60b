//! A custom agent on `az-core` alone, without models and files, whose steps are recorded in a
//! journal.
//!
//! The agent counts words with a tool. Its first run stops halfway, as if the process had crashed;
//! the second continues where the journal ends, and does not repeat finished calls.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::agent::{Agent, Answer};
use az_core::clock::{Clock, SystemClock};
use az_core::engine::{Engine, EngineOptions, ExecutionEngine, Run, Stop};
use az_core::journal::{CallState, Journal};
use az_core::memory::MemoryStore;
use az_core::testing::{FakeTool, FakeToolbox};
use az_core::tool::ToolOutput;
use az_core::{Error, Result, Task, TaskId, WorkerId};
use serde_json::json;

/// Looks up three words, and adds their lengths.
#[derive(Debug)]
struct Adder;

#[async_trait]
impl Agent for Adder {
    async fn work(&self, run: &mut Run) -> Result<Answer> {
        let first_run = run.history().runs == 1;
        let mut sum = 0;
        for (i, word) in ["one", "three", "seventeen"].into_iter().enumerate() {
            if first_run && i == 2 {
                return Err(Error::Agent { reason: "gave up before the last word".to_owned() });
            }
            let found = run.call_tool(word, "length", json!({ "word": word })).await?;
            if let CallState::Ended { text, .. } = found.state {
                sum += text.head.parse::<u32>().unwrap_or(0);
            }
        }
        Ok(Answer(format!("{sum} letters")))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let outputs = ["3", "5", "9"].map(ToolOutput::done);
    let tool = outputs.into_iter().fold(FakeTool::new("length"), FakeTool::answering);
    let tools = FakeToolbox::new().with(tool);
    let store = MemoryStore::new();
    let options = EngineOptions::new(WorkerId::new("example")?);
    let engine = Engine::new(Arc::new(store.clone()), Arc::new(Adder), options)
        .with_toolbox(Arc::new(tools.clone()));

    let id = TaskId::new("letters")?;
    let task = Task::new(id.clone(), "how many letters are there?", SystemClock.now())?;
    let first = engine.execute(task, None).await?;
    let second = engine.resume_until(&id, Stop::new()).await?;

    let mut lines = vec![format!("first run:  {}", first.status)];
    lines.push(format!("second run: {} with {:?}", second.status, second.answer));
    lines.push(format!("the tool was called {} times", tools.invoked().len()));
    for event in store.read(&id, 0, 100).await? {
        lines.push(format!("{:>3} {}", event.seq, event.event.body.name()));
    }
    print(&lines)
}

/// Prints lines; the workspace's lints do not allow `println!` in examples.
fn print(lines: &[String]) -> Result<()> {
    use std::io::Write;
    let text = lines.join("\n");
    let failed = |error| Error::Io { backend: "standard output", source: Box::new(error) };
    writeln!(std::io::stdout(), "{text}").map_err(failed)
}
