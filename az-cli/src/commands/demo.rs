//! `az demo`.

use std::path::Path;
use std::process::ExitCode;

use az_core::Task;
use az_core::store::StoreAddress;
use az_core::task::TaskOptions;
use clap::Args;

use super::task::{Start, execute};
use crate::error::CliError;
use crate::models::{DEMO, demo_task};
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az demo
  az demo --speed 4
  az demo --json | jq -c 'select(.event == \"tool_result\")'

The replies of the model come from a recording: nothing is sent, and nothing is spent. The tool
calls are real; they work in a directory that is removed afterwards.";

/// The files in the workspace of the demo.
const FILES: &[(&str, &str)] = &[
    ("orders.csv", include_str!("../../demo/workspace/orders.csv")),
    ("report.csv", include_str!("../../demo/workspace/report.csv")),
    ("totals.sh", include_str!("../../demo/workspace/totals.sh")),
];

/// Replay a recorded task without a key; its tool calls are real
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// Play this many times as fast as recorded
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    speed: u16,
}

/// Plays the demo in a temporary directory.
///
/// # Errors
///
/// When the directory cannot be created, or the engine's.
pub async fn run(args: &DemoArgs, services: &Services) -> Result<ExitCode, CliError> {
    let io = |source| CliError::Io { what: "creating a directory for the demo".to_owned(), source };
    let dir = tempfile::tempdir().map_err(io)?;
    let workspace = dir.path().join("workspace");
    std::fs::create_dir(&workspace).map_err(io)?;
    for (name, text) in FILES {
        std::fs::write(workspace.join(name), text).map_err(io)?;
    }
    let services =
        services.with_store(StoreAddress::new("sqlite", dir.path().join("az.db"))?, args.speed)?;
    services.printer().say(
        "demo: the replies of the model come from a recording, and nothing is sent; the tool calls \
         are real",
    );
    let task = task(&workspace, &services)?;
    services.printer().say(&format!("task: {}", task.command));
    let ended = Box::pin(execute(&services, Start::New(Box::new(task)))).await?;
    services.printer().say(
        "the demo has removed its directory and its task; a task of your own is kept and can be \
         resumed: see `az task run --help`",
    );
    Ok(ended)
}

fn task(workspace: &Path, services: &Services) -> Result<Task, CliError> {
    let task = services.new_task(demo_task()?, None)?;
    let options = TaskOptions::default()
        .with_allow(["shell.execute"])
        .with_workspace(workspace.display().to_string());
    Ok(task.with_model(DEMO).with_options(options))
}
