//! Turns events of `tracing` into log records.

use std::fmt::{self, Write};
use std::sync::Arc;

use az_core::TaskId;
use az_core::clock::{Clock, SystemClock};
use az_core::log::{Level, LogRecord};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::queue::LogQueue;

/// The field of an event that names the task it belongs to.
const TASK: &str = "task";
/// The longest message, in bytes.
const LONGEST: usize = 16 << 10;

/// Adds a record for each event to a queue.
pub(super) struct LogLayer(pub(super) Arc<LogQueue>);

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let Text { task, mut message, fields } = text;
        message.push_str(&fields);
        message.truncate(message.floor_char_boundary(LONGEST));
        let metadata = event.metadata();
        self.0.push(LogRecord {
            at: SystemClock.now(),
            level: level(*metadata.level()),
            target: metadata.target().to_owned(),
            task,
            message,
        });
    }
}

/// Returns the level of a record; traces are details, too.
const fn level(level: tracing::Level) -> Level {
    match level {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warn,
        tracing::Level::INFO => Level::Info,
        _ => Level::Debug,
    }
}

/// The message of an event, with its other fields as ` name=value`.
#[derive(Default)]
struct Text {
    task: Option<TaskId>,
    message: String,
    fields: String,
}

impl Text {
    fn add(&mut self, field: &Field, value: &dyn fmt::Display) {
        // Writing to a string cannot fail.
        match field.name() {
            "message" => write!(self.message, "{value}").ok(),
            name => write!(self.fields, " {name}={value}").ok(),
        };
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == TASK {
            self.task = TaskId::new(format!("{value:?}")).ok();
        }
        if field.name() != TASK || self.task.is_none() {
            self.add(field, &format_args!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == TASK {
            self.task = TaskId::new(value).ok();
        }
        if field.name() != TASK || self.task.is_none() {
            self.add(field, &value);
        }
    }
}
