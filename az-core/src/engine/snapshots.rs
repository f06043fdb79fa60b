//! Decides when a run records a snapshot.

use crate::journal::{Event, EventBody};
use crate::text::json_size;

/// The number of times that the record since a snapshot has to be as large as that snapshot before
/// the next one is taken. All snapshots of a task together are then at most one and a half times as
/// large as its record, however large its fold is.
const SPACING: u64 = 2;

/// Counts what was recorded since the last snapshot.
#[derive(Debug, Default)]
pub(super) struct Snapshots {
    events: u64,
    bytes: u64,
    /// The size of the last snapshot.
    last: u64,
}

impl Snapshots {
    /// Counts the tail of a journal.
    pub(super) fn of(tail: &[Event]) -> Self {
        let mut counted = Self::default();
        tail.iter().for_each(|event| counted.count(&event.event.body));
        counted
    }

    /// Counts an event that was recorded.
    pub(super) fn count(&mut self, body: &EventBody) {
        let size = json_size(body);
        if matches!(body, EventBody::Snapshot { .. }) {
            *self = Self { events: 0, bytes: 0, last: size };
        } else {
            self.events += 1;
            self.bytes = self.bytes.saturating_add(size);
        }
    }

    /// Returns `true` if there are at least `every` events since the last snapshot, and if they are
    /// large enough.
    pub(super) const fn is_due(&self, every: u64) -> bool {
        self.events >= every && self.bytes >= self.last.saturating_mul(SPACING)
    }
}

#[cfg(test)]
mod tests {
    use super::Snapshots;
    use crate::journal::{EventBody, History, fold};
    use crate::text::json_size;

    fn note(bytes: usize) -> EventBody {
        EventBody::Note { text: "x".repeat(bytes) }
    }

    /// A fold that never forgets anything is the worst case.
    #[test]
    fn snapshots_are_at_most_one_and_a_half_times_as_large_as_the_record() {
        let mut snapshots = Snapshots::default();
        let (mut record, mut taken, mut count) = (0, 0, 0);
        for _ in 0..10_000 {
            snapshots.count(&note(1_000));
            record += json_size(&note(1_000));
            if snapshots.is_due(256) {
                let fold = usize::try_from(record).unwrap();
                snapshots.count(&EventBody::Snapshot { history: Box::new(history(fold)) });
                taken += record;
                count += 1;
            }
            assert!(taken <= record + record / 2, "{taken} for a record of {record}");
        }
        assert_eq!(count, 4, "snapshots of 10,000 events");
    }

    /// Returns a history of about this size.
    fn history(bytes: usize) -> History {
        let summary = crate::journal::Summary { turns: 0, text: "x".repeat(bytes) };
        History { summary: Some(summary), ..fold(&[]).unwrap() }
    }

    #[test]
    fn a_small_fold_is_recorded_after_every_so_many_events() {
        let mut snapshots = Snapshots::default();
        for _ in 0..3 {
            for event in 0..256 {
                assert!(!snapshots.is_due(256), "after {event} events");
                snapshots.count(&note(1_000));
            }
            assert!(snapshots.is_due(256));
            snapshots.count(&EventBody::Snapshot { history: Box::default() });
        }
    }
}
