//! How fast a recording is played.

use std::time::Duration;

/// How fast a recording is played.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Pace {
    /// Without waiting.
    #[default]
    Instant,
    /// As it was recorded.
    AsRecorded,
    /// So many times as fast as it was recorded; without waiting, when that is no positive number.
    Times(f32),
}

impl Pace {
    /// Returns when to play what came so many milliseconds after the start.
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
