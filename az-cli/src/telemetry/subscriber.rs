//! Receives the events of `tracing`.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use az_core::Error;
use az_core::store::Store;
use az_core::text::plural;
use tokio::task::JoinHandle;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload::{self, Handle};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt as text};

use super::layer::LogLayer;
use super::queue::LogQueue;
use super::writer::{StoredLog, write};
use crate::config::{Env, LogSection, PROTOCOL, parse_log_filter, with_usual_limits};
use crate::output::Printer;
use crate::redact::Redactor;

/// How the targets of records begin that are only for the log: the command itself shows what they say.
pub(super) const LOG_ONLY: &str = "az::";
/// The longest wait for the log at the end of a command. It is shorter than the store's own wait for another
/// process, 10 s: what the command did is stored by now, and its last log records are not worth a longer one.
const PATIENCE: Duration = Duration::from_secs(3);

/// Prints warnings of the libraries on standard error, and records events in the log of a store once one is
/// open for writing. Clones share everything.
#[derive(Clone)]
pub struct Telemetry(Arc<Inner>);

struct Inner {
    queue: Arc<LogQueue>,
    /// The filter of what is recorded; `None` in a program that has a subscriber of its own.
    filter: Option<Handle<Targets, Registry>>,
    writer: Mutex<Option<Writer>>,
}

/// The task that writes the log; returns what was lost.
type Writer = JoinHandle<Option<(u64, Error)>>;

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").finish_non_exhaustive()
    }
}

impl Telemetry {
    /// Starts to receive events. In a program that has set a subscriber of its own, that one gets them, and
    /// nothing is recorded.
    pub fn start(env: &Env) -> Self {
        let queue = Arc::new(LogQueue::default());
        // An invalid filter is reported with the rest of the configuration.
        let filter = env.get("AZ_LOG").and_then(|filter| parse_log_filter(filter).ok());
        let usual = || with_usual_limits(Targets::new().with_default(LevelFilter::INFO));
        let (filter, handle) = reload::Layer::new(filter.unwrap_or_else(usual));
        let log = LogLayer(Arc::clone(&queue));
        let warnings = Targets::new()
            .with_default(LevelFilter::WARN)
            .with_target(LOG_ONLY, LevelFilter::OFF)
            .with_target(PROTOCOL, LevelFilter::OFF);
        let printed = text::layer()
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .with_target(false)
            .without_time();
        let subscriber = tracing_subscriber::registry()
            .with(log.with_filter(filter))
            .with(printed.with_filter(warnings));
        let filter = subscriber.try_init().is_ok().then_some(handle);
        let writer = Mutex::new(None);
        Self(Arc::new(Inner { queue, filter, writer }))
    }

    /// Records events in the log of a store from now on; those that came before are recorded, too. Later
    /// calls have no effect.
    pub fn record_in(&self, store: Arc<dyn Store>, section: &LogSection, redactor: Redactor) {
        let Some(filter) = &self.0.filter else { return };
        if let Ok(targets) = parse_log_filter(section.filter()) {
            // It fails only if the subscriber is gone.
            filter.reload(targets).ok();
        }
        let mut writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let queue = Arc::clone(&self.0.queue);
        let log = StoredLog { store, section: section.clone(), redactor };
        writer.get_or_insert_with(|| tokio::spawn(write(queue, log)));
    }

    /// Waits until everything is recorded, for a few seconds if the store is busy, and closes the store.
    pub async fn finish(&self, printer: &Printer) {
        let writer = self.0.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(mut writer) = writer else { return };
        self.0.queue.close();
        match tokio::time::timeout(PATIENCE, &mut writer).await {
            Ok(Ok(None)) => {}
            Ok(Ok(Some((count, error)))) => printer
                .say(&format!("{} could not be written: {error}", plural(count, "log record"))),
            Ok(Err(panicked)) => printer.say(&format!("the log was not written: {panicked}")),
            Err(_) => {
                writer.abort();
                printer.say("the last log records may not be written: the store is busy");
            }
        }
    }
}
