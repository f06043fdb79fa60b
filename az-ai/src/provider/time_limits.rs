//! The time limits of a response.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::http::HttpOptions;
use crate::config::ProviderConfig;
use crate::error::Error;

/// The time limits of every response.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeLimits {
    first_byte: Duration,
    idle: Duration,
    event: Duration,
    total: Duration,
    end: Duration,
}

/// The time limits of one response.
#[derive(Debug)]
pub(super) struct Deadlines {
    limits: TimeLimits,
    started: Instant,
    /// When the last event with content or usage came.
    progress: Instant,
    /// When the finish reason came.
    ending: Option<Instant>,
}

/// A time limit that was exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exceeded {
    what: &'static str,
    after: Duration,
    setting: &'static str,
}

impl TimeLimits {
    pub(super) const fn new(options: &HttpOptions) -> Self {
        Self {
            first_byte: options.first_byte_timeout,
            idle: options.idle_timeout,
            event: options.event_timeout,
            total: options.total_timeout,
            end: options.end_wait,
        }
    }

    /// Returns these limits, with those of an entry in their place where it has any.
    pub(super) fn of_entry(self, own: &ProviderConfig) -> Self {
        let limit = |seconds: Option<NonZeroU32>, default: Duration| {
            seconds.map_or(default, |seconds| Duration::from_secs(seconds.get().into()))
        };
        Self {
            first_byte: limit(own.first_byte_seconds, self.first_byte),
            idle: limit(own.idle_seconds, self.idle),
            event: limit(own.event_seconds, self.event),
            total: limit(own.total_seconds, self.total),
            end: self.end,
        }
    }

    /// Starts the time of a response.
    pub(super) fn start(self) -> Deadlines {
        let now = Instant::now();
        Deadlines { limits: self, started: now, progress: now, ending: None }
    }
}

impl Deadlines {
    /// Waits for the head of the response.
    pub(super) async fn first_byte<T>(&self, head: impl Future<Output = T>) -> Result<T, Exceeded> {
        let limits = &self.limits;
        within(head, [(self.started, limits.first_byte, FIRST_BYTE), self.total()]).await
    }

    /// Waits for the next piece of the body; `None` when the finish reason came and the wait for
    /// the end of the body is over.
    pub(super) async fn chunk<T>(
        &self,
        chunk: impl Future<Output = T>,
    ) -> Result<Option<T>, Exceeded> {
        if let Some(ending) = self.ending {
            return Ok(timeout_at(after(ending, self.limits.end), chunk).await.ok());
        }
        let limits = &self.limits;
        let idle = (Instant::now(), limits.idle, IDLE);
        let event = (self.progress, limits.event, EVENT);
        within(chunk, [idle, event, self.total()]).await.map(Some)
    }

    pub(super) fn made_progress(&mut self) {
        self.progress = Instant::now();
    }

    pub(super) fn is_ending(&mut self) {
        self.ending = self.ending.or_else(|| Some(Instant::now()));
    }

    const fn total(&self) -> Limit {
        (self.started, self.limits.total, TOTAL)
    }
}

/// A limit: from when, how long, and what is reported.
type Limit = (Instant, Duration, (&'static str, &'static str));

const FIRST_BYTE: (&str, &str) = ("no response came", "first_byte_seconds");
const IDLE: (&str, &str) = ("no data came", "idle_seconds");
const EVENT: (&str, &str) = ("nothing but heartbeats came", "event_seconds");
const TOTAL: (&str, &str) = ("the response was not complete", "total_seconds");

/// Waits until the first of these limits.
async fn within<T, const N: usize>(
    work: impl Future<Output = T>,
    limits: [Limit; N],
) -> Result<T, Exceeded> {
    let first = limits.into_iter().min_by_key(|(from, limit, _)| after(*from, *limit));
    let Some((from, limit, (what, setting))) = first else { return Ok(work.await) };
    let exceeded = |_| Exceeded { what, after: limit, setting };
    timeout_at(after(from, limit), work).await.map_err(exceeded)
}

fn after(from: Instant, limit: Duration) -> Instant {
    // A limit beyond the clock's range is none; a year is beyond any response.
    from.checked_add(limit).unwrap_or_else(|| from + Duration::from_secs(31_536_000))
}

impl Exceeded {
    /// Returns the error of a response that took too long.
    pub(super) fn error(self, provider: &str) -> Error {
        let Self { what, after, setting } = self;
        let source = format!(
            "{what} for {after:?}; the setting llm.timeouts.{setting} allows more, and so does \
             {setting} of the provider's entry"
        );
        Error::Broken { provider: provider.to_owned(), source: source.into() }
    }
}
