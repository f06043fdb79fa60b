//! Access of a tool to the recorded results of its task.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::output::ToolOutput;
use crate::error::Result;
use crate::id::CallId;

/// The name of the tool that reads recorded results. Agents refer to it where they shorten a result.
pub const OUTPUT_READ: &str = "output.read";

/// Reads the recorded results of one task. The engine provides it from the journal.
///
/// # Contract
///
/// 1. The output of a call is returned as it was recorded, all of it; also that of a call that was
///    refused.
/// 2. A call of another task, or one that has no result yet, has no output.
#[async_trait]
pub trait ReadResults: fmt::Debug + Send + Sync + 'static {
    /// Returns the recorded output of a call, all of it; `None` if the call has no result.
    ///
    /// # Errors
    ///
    /// The journal's.
    async fn read(&self, call: &CallId) -> Result<Option<ToolOutput>>;
}

/// The recorded results of the task that makes a call; none outside the engine.
#[derive(Debug, Clone, Default)]
pub struct RecordedResults(Option<Arc<dyn ReadResults>>);

impl RecordedResults {
    /// Creates access through a reader.
    pub fn new(reader: Arc<dyn ReadResults>) -> Self {
        Self(Some(reader))
    }

    /// Returns the recorded output of a call of the same task; `None` if it has no result.
    ///
    /// # Errors
    ///
    /// The reader's.
    pub async fn get(&self, call: &CallId) -> Result<Option<ToolOutput>> {
        match &self.0 {
            Some(reader) => reader.read(call).await,
            None => Ok(None),
        }
    }
}
