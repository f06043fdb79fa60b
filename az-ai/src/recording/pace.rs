//! The speed of a replay.

use std::time::Duration;

/// The speed of a replay.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Pace {
    /// Without delays.
    #[default]
    Instant,
    /// At the recorded speed.
    AsRecorded,
    /// This many times the recorded speed; without delays if it is not a positive number.
    Times(f32),
}

impl Pace {
    /// Returns when to send a piece that was recorded this many milliseconds after the start.
    pub fn after(self, millis: u64) -> Duration {
        let recorded = Duration::from_millis(millis);
        match self {
            Self::Instant => Duration::ZERO,
            Self::AsRecorded => recorded,
            Self::Times(speed) if speed > 0.0 => {
                Duration::try_from_secs_f64(recorded.as_secs_f64() / f64::from(speed))
                    .unwrap_or(recorded)
            }
            Self::Times(_) => Duration::ZERO,
        }
    }
}
