//! The progress of a running call.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// A progress report.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct Progress {
    /// What the call is doing, or the last line that it printed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// The number of units of work that are done, if the tool counts them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub done: Option<u64>,
    /// The total number of units of work, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

impl Progress {
    /// Creates a report with a message.
    pub fn message(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// Sets the units of work.
    #[must_use]
    pub const fn with_count(mut self, done: u64, total: Option<u64>) -> Self {
        self.done = Some(done);
        self.total = total;
        self
    }
}

/// Creates a channel that holds the latest report.
///
/// A report replaces the one before it, read or not, so that memory is bounded and a sender never
/// waits for a slow receiver.
pub fn progress_channel() -> (ProgressSender, ProgressReceiver) {
    let (sender, receiver) = watch::channel(Progress::default());
    (ProgressSender(Some(Arc::new(sender))), ProgressReceiver(receiver))
}

/// Reports the progress of one call.
#[derive(Debug, Clone, Default)]
pub struct ProgressSender(Option<Arc<watch::Sender<Progress>>>);

impl ProgressSender {
    /// Creates a sender whose reports are dropped.
    pub const fn disconnected() -> Self {
        Self(None)
    }

    /// Sends a report. Never blocks and never fails.
    pub fn report(&self, progress: Progress) {
        if let Some(sender) = &self.0 {
            sender.send_replace(progress);
        }
    }

    /// Returns `true` if reports are received; a tool for which a report is expensive can check
    /// first.
    pub fn is_connected(&self) -> bool {
        self.0.as_ref().is_some_and(|sender| sender.receiver_count() > 0)
    }
}

/// Receives the progress of one call.
#[derive(Debug)]
pub struct ProgressReceiver(watch::Receiver<Progress>);

impl ProgressReceiver {
    /// Waits for a new report and returns the latest; `None` once all senders are dropped.
    ///
    /// Cancel safe: a report is not lost if the future is dropped.
    pub async fn next(&mut self) -> Option<Progress> {
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().clone())
    }
}

#[cfg(test)]
mod tests {
    use super::{Progress, ProgressSender, progress_channel};

    #[tokio::test]
    async fn the_latest_report_replaces_those_before_it() {
        let (sender, mut receiver) = progress_channel();
        for done in 0..1000 {
            sender.report(Progress::message("copying").with_count(done, Some(1000)));
        }
        let latest = Progress::message("copying").with_count(999, Some(1000));
        assert_eq!(receiver.next().await, Some(latest));
        sender.report(Progress::message("done"));
        drop(sender);
        assert_eq!(receiver.next().await, Some(Progress::message("done")));
        assert_eq!(receiver.next().await, None);
    }

    #[test]
    fn a_report_without_a_receiver_is_dropped() {
        ProgressSender::disconnected().report(Progress::message("lost"));
        let (sender, receiver) = progress_channel();
        assert!(sender.is_connected());
        drop(receiver);
        assert!(!sender.is_connected());
        sender.report(Progress::message("lost"));
    }
}
