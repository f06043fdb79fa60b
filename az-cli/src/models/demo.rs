//! The recording that is part of the program.

use az_ai::error::Error;
use az_ai::recording::{Pace, ReplayClient};

use crate::error::CliError;

/// What the recording is called where a model is named.
pub const DEMO: &str = "demo";

const RECORDING: &str = include_str!("../../demo/demo.jsonl");

/// Returns a client that plays it.
pub(super) fn client(pace: Pace) -> Result<ReplayClient, Error> {
    Ok(ReplayClient::from_json_lines(RECORDING)?.with_pace(pace))
}

/// Returns the task that it is of.
///
/// # Errors
///
/// None in practice: the recording is whole.
pub fn demo_task() -> Result<String, CliError> {
    let client = client(Pace::Instant).map_err(|error| CliError::Core(error.into()))?;
    Ok(client.exchanges().first().map(|first| first.task.clone()).unwrap_or_default())
}
