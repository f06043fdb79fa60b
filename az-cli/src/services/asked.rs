//! What the calls of parked tasks ask, as their journals have it.

use az_core::journal::{EventBody, Journal};
use az_core::{CallId, Result, TaskId};
use serde_json::Value;

/// How many events are read at a time.
const PAGE: usize = 500;

/// What a call asks.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    /// The arguments of a call that needs approval.
    pub(crate) arguments: Value,
    /// The answers to choose from, if the call asks a question with such.
    pub(crate) options: Vec<String>,
}

impl Asked {
    /// Reads what a call asks; nothing if it asks nothing.
    ///
    /// # Errors
    ///
    /// The store's.
    pub(crate) async fn read<J: Journal + ?Sized>(
        journal: &J,
        task: &TaskId,
        call: &CallId,
    ) -> Result<Self> {
        let (mut asked, mut from) = (Self::default(), 0);
        loop {
            let events = journal.read(task, from, PAGE).await?;
            let Some(last) = events.last() else { return Ok(asked) };
            from = last.seq + 1;
            for event in events {
                if event.event.call.as_ref() != Some(call) {
                    continue;
                }
                // A call may need an approval before it asks its question.
                match event.event.body {
                    EventBody::ApprovalAsked { arguments, .. } => asked.arguments = arguments,
                    EventBody::QuestionAsked { options, .. } => asked.options = options,
                    _ => {}
                }
            }
        }
    }
}
