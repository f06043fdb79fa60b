//! The wait for a server that is loading a model.

use std::time::{Duration, Instant};

/// The pause before the server is asked again.
pub const PAUSE: Duration = Duration::from_secs(1);

/// The time between two messages on the wait.
const BETWEEN_MESSAGES: Duration = Duration::from_secs(15);

/// The progress of a wait for a server that is loading a model. The wait takes as long as the pauses, or
/// longer if the requests between them take time.
#[derive(Debug)]
pub struct LoadingProgress {
    most: Duration,
    /// The sum of the pauses.
    paused: Duration,
    /// The time of the first step.
    started: Option<Instant>,
    /// How long the wait had taken at the last message.
    reported: Option<Duration>,
    /// Whether that message was that the model is loaded.
    is_over: bool,
}

/// What to do while a server is loading a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadingStep {
    /// Report that the wait begins, and pause.
    Begin,
    /// Report that the wait has taken this long, and pause.
    Continue(Duration),
    /// Pause.
    Pause,
    /// Give up: the wait has taken as long as it may.
    GiveUp,
}

impl LoadingProgress {
    /// Creates the progress of a wait that takes at most this long.
    pub const fn new(most: Duration) -> Self {
        Self { most, paused: Duration::ZERO, started: None, reported: None, is_over: false }
    }

    /// Returns what to do when the server has said that it is loading the model. The caller pauses
    /// for [`PAUSE`] unless the step is [`LoadingStep::GiveUp`].
    pub fn step(&mut self) -> LoadingStep {
        self.started.get_or_insert_with(Instant::now);
        let waited = self.waited();
        if waited >= self.most {
            return LoadingStep::GiveUp;
        }
        self.paused = self.paused.saturating_add(PAUSE);
        match self.reported {
            None => {
                self.reported = Some(waited);
                LoadingStep::Begin
            }
            Some(reported) if waited.saturating_sub(reported) >= BETWEEN_MESSAGES => {
                (self.reported, self.is_over) = (Some(waited), false);
                LoadingStep::Continue(waited)
            }
            Some(_) => LoadingStep::Pause,
        }
    }

    /// Returns how long the wait has taken, when the server says that the model is loaded; `None` if
    /// there was no wait, or if its end was reported before and nothing since. A server may say so and
    /// then refuse the next call as it did before.
    pub fn end(&mut self) -> Option<Duration> {
        if self.is_over || self.reported.is_none() {
            return None;
        }
        let waited = self.waited();
        (self.reported, self.is_over) = (Some(waited), true);
        Some(waited)
    }

    /// Returns how long the wait has taken, in whole seconds.
    fn waited(&self) -> Duration {
        let elapsed = self.started.map_or(0, |started| started.elapsed().as_secs());
        self.paused.max(Duration::from_secs(elapsed))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{LoadingProgress, LoadingStep};

    #[test]
    fn a_wait_is_reported_when_it_begins_and_every_15_seconds_until_it_is_over() {
        let mut progress = LoadingProgress::new(Duration::from_secs(32));
        let steps: Vec<_> = (0..33).map(|_| progress.step()).collect();
        let mut expected = vec![LoadingStep::Pause; 33];
        expected[0] = LoadingStep::Begin;
        expected[15] = LoadingStep::Continue(Duration::from_secs(15));
        expected[30] = LoadingStep::Continue(Duration::from_secs(30));
        expected[32] = LoadingStep::GiveUp;
        assert_eq!(steps, expected);
        assert_eq!(LoadingProgress::new(Duration::ZERO).step(), LoadingStep::GiveUp);
    }

    #[test]
    fn slow_requests_are_a_part_of_the_wait() {
        let mut progress = LoadingProgress::new(Duration::from_secs(32));
        assert_eq!(progress.step(), LoadingStep::Begin);
        progress.started = Instant::now().checked_sub(Duration::from_secs(20));
        assert_eq!(progress.step(), LoadingStep::Continue(Duration::from_secs(20)));
        progress.started = Instant::now().checked_sub(Duration::from_secs(33));
        assert_eq!(progress.step(), LoadingStep::GiveUp);
        assert_eq!(progress.end(), Some(Duration::from_secs(33)));
    }

    #[test]
    fn the_end_of_a_wait_is_reported_once() {
        let mut progress = LoadingProgress::new(Duration::from_secs(120));
        assert_eq!(progress.end(), None);
        progress.step();
        progress.step();
        assert_eq!(progress.end(), Some(Duration::from_secs(2)));
        progress.step();
        assert_eq!(progress.end(), None);
    }
}
