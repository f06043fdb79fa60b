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

Nothing is sent anywhere and nothing is spent: the model's part was written beforehand. What its
tools do is real, in a directory of its own that is removed afterwards.";

/// The files that the demonstration begins with.
const FILES: &[(&str, &str)] = &[
    ("orders.csv", include_str!("../../demo/workspace/orders.csv")),
    ("report.csv", include_str!("../../demo/workspace/report.csv")),
    ("totals.sh", include_str!("../../demo/workspace/totals.sh")),
];

/// Watch a whole task: a recording plays the model, its tools really act
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct DemoArgs {
    /// How many times as fast as it was recorded
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    speed: u16,
}

/// Plays the demonstration, in surroundings of its own.
///
/// # Errors
///
/// When there is no room for them, or the engine's.
pub async fn run(args: &DemoArgs, services: &Services) -> Result<ExitCode, CliError> {
    let io = |source| CliError::Io { what: "making a directory for the demo".to_owned(), source };
    let dir = tempfile::tempdir().map_err(io)?;
    let workspace = dir.path().join("workspace");
    std::fs::create_dir(&workspace).map_err(io)?;
    for (name, text) in FILES {
        std::fs::write(workspace.join(name), text).map_err(io)?;
    }
    let services =
        services.with_store(StoreAddress::new("sqlite", dir.path().join("az.db"))?, args.speed)?;
    services.printer().say(
        "a demonstration: the model's part is a recording that was written for it, nothing is \
         sent anywhere; what the tools do is real",
    );
    let task = task(&workspace, &services)?;
    services.printer().say(&format!("the task: {}", task.command));
    let ended = execute(&services, Start::New(Box::new(task))).await?;
    services.printer().say(
        "this task is gone with its directory; one of your own is kept, priced and can be resumed: \
         `az task run --help` shows how",
    );
    Ok(ended)
}

fn task(workspace: &Path, services: &Services) -> Result<Task, CliError> {
    let task = services.new_task(demo_task()?)?;
    let options = TaskOptions {
        allow: vec!["shell.execute".to_owned()],
        workspace: Some(workspace.display().to_string()),
        ..TaskOptions::default()
    };
    Ok(task.with_model(DEMO).with_options(options))
}
