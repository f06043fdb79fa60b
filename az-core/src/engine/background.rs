//! The processes that calls of a run leave in the background.

use std::sync::atomic::Ordering;

use super::run::Run;
use crate::error::Result;
use crate::text::one_line;
use crate::tool::BackgroundProcess;

/// The maximum length of a command in a message, in characters.
const SHOWN: usize = 80;

impl Run {
    /// Ends what an interrupted run left in the background, and records that. The model learns from
    /// its agent that a resumed task has no background processes.
    pub(super) async fn end_earlier_background(&mut self) -> Result<()> {
        if self.history.runs < 2 || self.history.calls.is_empty() {
            return Ok(());
        }
        let ended = self.end_background().await;
        if ended.is_empty() {
            return Ok(());
        }
        let commands: Vec<_> = ended.iter().map(in_words).collect();
        let commands = commands.join(", ");
        self.note(format!("ended the background processes of the interrupted run: {commands}"))
            .await
    }

    /// Ends what the calls of this run left in the background.
    pub(super) async fn end_own_background(&self) {
        if self.may_have_background.load(Ordering::Relaxed) {
            self.end_background().await;
        }
    }

    /// Ends what the calls of the task left in the background. A task ends also if that fails;
    /// otherwise it could be neither resumed nor cancelled.
    async fn end_background(&self) -> Vec<BackgroundProcess> {
        match self.context.toolbox.end_background(&self.task.id).await {
            Ok(ended) => ended,
            Err(error) => {
                tracing::warn!(
                    task = %self.task.id,
                    error = error.chain(),
                    "failed to end the background processes of a task; some may still be running"
                );
                Vec::new()
            }
        }
    }
}

fn in_words(process: &BackgroundProcess) -> String {
    format!("{} `{}`", process.pid, one_line(&process.command, SHOWN))
}
