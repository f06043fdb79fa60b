//! The recorded results of a task, for its tools.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Result;
use crate::id::{CallId, TaskId};
use crate::journal::{EventBody, RunStore, ToolOutcome};
use crate::tool::{ReadResults, ToolOutput};

/// The number of events that are read at a time.
const BATCH: usize = 256;

/// Reads results from the journal.
#[derive(Debug)]
pub(super) struct JournalResults {
    pub(super) store: Arc<dyn RunStore>,
    pub(super) task: TaskId,
}

#[async_trait]
impl ReadResults for JournalResults {
    async fn read(&self, call: &CallId) -> Result<Option<ToolOutput>> {
        let mut from = 0;
        loop {
            let events = self.store.read(&self.task, from, BATCH).await?;
            let Some(last) = events.last() else { return Ok(None) };
            from = last.seq + 1;
            for event in events {
                let event = match event.event.body {
                    EventBody::Copied { event, .. } => *event,
                    _ => event.event,
                };
                let is_asked = event.call.as_ref() == Some(call);
                if let (true, EventBody::ToolResult(result)) = (is_asked, event.body) {
                    let mut output = ToolOutput::default()
                        .with_ok(result.outcome == ToolOutcome::Done)
                        .with_unknown(result.outcome == ToolOutcome::Unknown);
                    output.content = result.content;
                    output.data = result.data;
                    return Ok(Some(output));
                }
            }
        }
    }
}
