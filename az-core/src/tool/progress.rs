//! The progress of a running call.

use std::fmt;
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
    /// The last lines that the call printed, oldest first, for a person who watches it. They are in no JSON.
    #[serde(skip)]
    pub lines: Vec<String>,
}

impl Progress {
    /// Creates a report with a message.
    pub fn message(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    /// Sets the last lines that the call printed.
    #[must_use]
    pub fn with_lines(mut self, lines: Vec<String>) -> Self {
        self.lines = lines;
        self
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
    (ProgressSender { to: Some(Arc::new(sender)), change: None }, ProgressReceiver(receiver))
}

/// Reports the progress of one call.
#[derive(Clone, Default)]
pub struct ProgressSender {
    to: Option<Arc<watch::Sender<Progress>>>,
    /// What is done to a report before it is sent.
    change: Option<Arc<Change>>,
}

type Change = dyn Fn(Progress) -> Progress + Send + Sync;

impl fmt::Debug for ProgressSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgressSender").field("to", &self.to).finish_non_exhaustive()
    }
}

impl ProgressSender {
    /// Creates a sender whose reports are dropped.
    pub const fn disconnected() -> Self {
        Self { to: None, change: None }
    }

    /// Returns the sender with a function that changes each report before it is sent.
    #[must_use]
    pub fn mapped(self, change: impl Fn(Progress) -> Progress + Send + Sync + 'static) -> Self {
        let change: Arc<Change> = match self.change {
            None => Arc::new(change),
            Some(later) => Arc::new(move |progress| later(change(progress))),
        };
        Self { to: self.to, change: Some(change) }
    }

    /// Sends a report. Never blocks and never fails.
    pub fn report(&self, progress: Progress) {
        if let Some(sender) = &self.to {
            let change = self.change.as_ref();
            sender.send_replace(match change {
                Some(change) => change(progress),
                None => progress,
            });
        }
    }

    /// Returns `true` if reports are received; a tool for which a report is expensive can check
    /// first.
    pub fn is_connected(&self) -> bool {
        self.to.as_ref().is_some_and(|sender| sender.receiver_count() > 0)
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

    #[tokio::test]
    async fn a_mapped_sender_changes_each_report_and_the_inner_change_comes_first() {
        let (sender, mut receiver) = progress_channel();
        let add = |text: &'static str| {
            move |mut progress: Progress| {
                progress.message.push_str(text);
                progress
            }
        };
        sender.mapped(add(" outer")).mapped(add(" inner")).report(Progress::message("x"));
        assert_eq!(receiver.next().await, Some(Progress::message("x inner outer")));
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
