//! The recording that is part of the program.

use std::sync::Arc;

use az_ai::catalog::ModelFactory;
use az_ai::error::Error;
use az_ai::recording::{Pace, ReplayClient};
use az_ai::resolver::ResolvedModel;

use crate::error::CliError;

/// The name of the recording, where a model is named.
pub const DEMO: &str = "demo";

const RECORDING: &str = include_str!("../../demo/demo.jsonl");

/// Returns what creates the client that plays the recording.
pub(super) fn model(pace: Pace) -> ModelFactory {
    Arc::new(move || Ok(ResolvedModel::new(Arc::new(client(pace)?), DEMO)))
}

fn client(pace: Pace) -> Result<ReplayClient, Error> {
    Ok(ReplayClient::from_json_lines(RECORDING)?.with_pace(pace))
}

/// Returns the task that was recorded.
///
/// # Errors
///
/// None in practice: the recording is complete.
pub fn demo_task() -> Result<String, CliError> {
    let client = client(Pace::Instant).map_err(|error| CliError::Core(error.into()))?;
    Ok(client.exchanges().first().map(|first| first.task.clone()).unwrap_or_default())
}
