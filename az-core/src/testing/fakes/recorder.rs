//! A sink that remembers.

use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::{EventSink, RunEvent, RunEventKind};

/// Remembers every event. A clone remembers in the same place.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    events: Arc<Mutex<Vec<RunEvent>>>,
}

impl Recorder {
    /// Returns a recorder that has heard nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns what it heard, in order.
    pub fn events(&self) -> Vec<RunEvent> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.clone()
    }

    /// Returns what happened, in order, without saying when and to which task.
    pub fn kinds(&self) -> Vec<RunEventKind> {
        self.events().into_iter().map(|event| event.kind).collect()
    }

    /// Returns the names of what happened, such as `model_started`, in order.
    pub fn names(&self) -> Vec<String> {
        let name = |kind| {
            let json = serde_json::to_value(kind).ok()?;
            Some(json.get("event")?.as_str()?.to_owned())
        };
        self.kinds().into_iter().filter_map(name).collect()
    }
}

impl EventSink for Recorder {
    fn emit(&self, event: &RunEvent) {
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.push(event.clone());
    }
}
