//! A task of 2,000 steps on a SQLite store: the time of a step, the disk and the memory.
//!
//! `cargo bench -p az-benches --bench long_task` prints the figures and fails if one misses its
//! bar. Each step has a reply of a few kilobytes and the text of a file as its result, about 25 KB
//! together. The model is simulated in the process: it replies at once.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a bench that fails may fall over, and it prints"
)]

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use az_ai::chat::{ChatReply, ChatRequest, ChatStream, replay};
use az_ai::client::{Capabilities, CostEstimate, LlmClient};
use az_ai::{Models, ReActAgent, estimate};
use az_core::clock::SystemClock;
use az_core::cost::Usage;
use az_core::engine::{Engine, EngineOptions, Stop};
use az_core::journal::{Journal, ModelReply, fold};
use az_core::policy::AllowEverything;
use az_core::task::TaskStatus;
use az_core::tool::{
    BackgroundProcess, EffectClass, Invocation, PreparedCall, Probed, ToolOutput, ToolSpec, Toolbox,
};
use az_core::{Clock, Task, TaskId, Usd, WorkerId};
use az_data::sqlite::{SqliteOptions, SqliteStore};
use futures_util::{StreamExt, TryStreamExt, stream};
use nix::sys::resource::{UsageWho, getrusage};
use rusqlite::Connection;
use serde_json::{Value, json};

/// The number of steps; the argument replaces it.
const STEPS: u32 = 2_000;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.iter().any(|arg| arg == "--test") {
        return;
    }
    let steps = args.iter().find_map(|arg| arg.parse().ok()).unwrap_or(STEPS);
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("az.db");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let coder = Coder { steps, asked: Arc::default() };
    let begun = Instant::now();
    runtime.block_on(run(&database, coder.clone()));
    let took = begun.elapsed();
    let memory = peak_memory();
    let begun = Instant::now();
    runtime.block_on(resume(&database));
    let resumed = begun.elapsed();

    let times = coder.times();
    let part = times.len() / 10;
    let (first, last) = (median(&times[..part]), median(&times[times.len() - part..]));
    let (mean_first, mean_last) = (mean(&times[..part]), mean(&times[times.len() - part..]));
    let record = record(&database);
    let disk = disk(dir.path());
    println!("{steps} steps                {:>9.1} s", took.as_secs_f64());
    println!(
        "a step, first and last   {:>9.2} ms {:>6.2} ms   {:.2} ×   (bar: 1.5)",
        millis(first),
        millis(last),
        last.as_secs_f64() / first.as_secs_f64()
    );
    println!(
        "  on average             {:>9.2} ms {:>6.2} ms   {:.2} ×   slowest {:.0} ms",
        millis(mean_first),
        millis(mean_last),
        mean_last.as_secs_f64() / mean_first.as_secs_f64(),
        millis(*times.iter().max().unwrap())
    );
    println!("the record               {:>9.1} MB", megabytes(record));
    println!(
        "  on disk                {:>9.1} MB   {:.2} ×   (bar: 3)",
        megabytes(disk),
        megabytes(disk) / megabytes(record)
    );
    println!("memory at its peak       {memory:>9.1} MB   (bar: 100)");
    println!("reading it to resume     {:>9.1} ms", millis(resumed));
    assert!(last <= first * 3 / 2, "the steps become slower");
    assert!(disk <= 3 * record, "the disk grows faster than the record");
    assert!(memory <= 100.0, "too much memory");
}

async fn run(database: &Path, coder: Coder) {
    let store = SqliteStore::open(database, SqliteOptions::default()).unwrap();
    let mut options = EngineOptions::new(WorkerId::new("bench").unwrap());
    options.max_steps = u32::MAX;
    let agent = ReActAgent::new(Arc::new(Models::new("coder", Arc::new(coder), "coder-1")));
    let engine = Engine::new(Arc::new(store), Arc::new(agent), options)
        .with_toolbox(Arc::new(Files))
        .with_policy(Arc::new(AllowEverything));
    let task = Task::new(id(), "Read the files and fix them.", SystemClock.now()).unwrap();
    let done = engine.execute_until(task, Stop::new()).await.unwrap();
    assert_eq!(done.status, TaskStatus::Completed, "{:?}", done.failure);
}

/// Does what the engine does before it continues the task.
async fn resume(database: &Path) {
    let store = SqliteStore::open(database, SqliteOptions::default()).unwrap();
    fold(&store.tail(&id()).await.unwrap()).unwrap();
}

fn id() -> TaskId {
    TaskId::new("long").unwrap()
}

/// Reads a file in every step, and writes one in every fourth.
#[derive(Debug, Clone)]
struct Coder {
    steps: u32,
    asked: Arc<Mutex<Vec<Instant>>>,
}

impl Coder {
    /// Returns the time from each step to the next.
    fn times(&self) -> Vec<Duration> {
        let asked = self.asked.lock().unwrap();
        asked.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }

    fn reply(&self, request: &ChatRequest) -> ChatReply {
        let reply = if request.tools.is_empty() {
            ModelReply::text(prose(request.messages.len(), 2_000))
        } else {
            let mut asked = self.asked.lock().unwrap();
            asked.push(Instant::now());
            let step = asked.len();
            let text = prose(step, 700);
            if step > self.steps as usize {
                ModelReply::text(text)
            } else if step.is_multiple_of(4) {
                let arguments = json!({"path": path(step), "content": prose(step, 6_000)});
                ModelReply::text(text).with_call("write", arguments)
            } else {
                ModelReply::text(text).with_call("read", json!({"path": path(step)}))
            }
        };
        let usage = Usage::tokens(estimate::tokens(request), estimate::text(&reply.text));
        let (usage, model) = (Some(usage), request.model.clone());
        ChatReply { reply, usage, cost: Some(Usd::from_nanos(1)), model, ..ChatReply::default() }
    }
}

#[async_trait]
impl LlmClient for Coder {
    fn provider(&self) -> &str {
        "coder"
    }

    fn capabilities(&self, _model: &str) -> Capabilities {
        Capabilities::FULL.with_context_window(128_000)
    }

    fn estimate_cost(&self, request: &ChatRequest) -> CostEstimate {
        CostEstimate::new(Some(Usd::from_nanos(1)), estimate::tokens(request))
    }

    async fn complete(&self, request: &ChatRequest) -> az_ai::Result<ChatReply> {
        Ok(self.reply(request))
    }

    fn stream(&self, request: &ChatRequest) -> ChatStream {
        let reply: az_ai::Result<_> = Ok(replay(self.reply(request)));
        stream::iter([reply]).try_flatten().boxed()
    }
}

/// Reads and writes no files, but answers as if it did.
#[derive(Debug)]
struct Files;

#[async_trait]
impl Toolbox for Files {
    fn specs(&self) -> Arc<[ToolSpec]> {
        let schema = json!({"type": "object", "properties": {"path": {"type": "string"}}});
        let spec = |name: &str, effect| {
            ToolSpec::new(name, format!("{name} a file"), schema.clone()).with_effect(effect)
        };
        [spec("read", EffectClass::Read), spec("write", EffectClass::Idempotent)].into()
    }

    fn prepare(&self, call: Invocation) -> az_core::Result<PreparedCall> {
        let effect = if call.tool == "read" { EffectClass::Read } else { EffectClass::Idempotent };
        Ok(PreparedCall::new(call, effect))
    }

    async fn witness(&self, _call: &PreparedCall) -> az_core::Result<Option<Value>> {
        Ok(None)
    }

    async fn invoke(&self, call: PreparedCall) -> az_core::Result<ToolOutput> {
        let path = call.invocation.arguments["path"].as_str().unwrap_or_default().to_owned();
        Ok(ToolOutput::done(match &*call.invocation.tool {
            "read" => prose(path.len() * 31, 28_000),
            _ => format!("wrote {path}"),
        }))
    }

    async fn probe(&self, _call: &PreparedCall, _: Option<&Value>) -> az_core::Result<Probed> {
        Ok(Probed::Unknown)
    }

    async fn abandon(&self, _call: &PreparedCall) -> az_core::Result<()> {
        Ok(())
    }

    async fn background(&self, _task: &TaskId) -> az_core::Result<Vec<BackgroundProcess>> {
        Ok(Vec::new())
    }

    async fn end_background(&self, _task: &TaskId) -> az_core::Result<Vec<BackgroundProcess>> {
        Ok(Vec::new())
    }
}

fn path(step: usize) -> String {
    format!("src/module_{}/file_{step}.rs", step % 37)
}

/// Returns text of this length, different for each number.
fn prose(number: usize, length: usize) -> String {
    const WORDS: [&str; 8] =
        ["fn main() {", "let value =", "the test", "returns", "\"quoted\"", "é", "}\n", "when"];
    let mut text = format!("{number}: ");
    let mut next = number;
    while text.len() < length {
        next = next.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        text.push_str(WORDS[(next >> 33) % WORDS.len()]);
        text.push(' ');
    }
    text
}

/// Returns the bytes of all events but snapshots.
fn record(database: &Path) -> u64 {
    let db = Connection::open(database).unwrap();
    let sql = "SELECT coalesce(body, ''), coalesce(blob, '') FROM event WHERE type <> 'snapshot'";
    let mut query = db.prepare(sql).unwrap();
    let sizes = query.query_map([], |row| {
        let (body, blob): (String, String) = (row.get(0)?, row.get(1)?);
        let shelf = database.with_file_name("az.db.blobs");
        let file = if blob.is_empty() { 0 } else { size(&shelf.join(&blob[..2]).join(&blob)) };
        Ok(body.len() as u64 + file)
    });
    sizes.unwrap().map(Result::unwrap).sum()
}

/// Returns the bytes of all files in a directory.
fn disk(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { disk(&path) } else { size(&path) }).sum()
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

fn median(times: &[Duration]) -> Duration {
    let mut times = times.to_vec();
    times.sort();
    times[times.len() / 2]
}

fn mean(times: &[Duration]) -> Duration {
    times.iter().sum::<Duration>() / u32::try_from(times.len()).unwrap()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

/// Returns the peak memory of this process, in MB.
fn peak_memory() -> f64 {
    let usage = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    f64::from(u32::try_from(usage.max_rss()).unwrap_or(u32::MAX)) / 1024.0
}
