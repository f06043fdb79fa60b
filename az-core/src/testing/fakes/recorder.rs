//! A sink that stores every event.

use std::sync::{Arc, Mutex, PoisonError};

use crate::engine::{EventSink, RunEvent, RunEventKind};
use crate::journal::EventBody;

/// Stores every event. A clone shares the stored events.
#[derive(Debug, Clone, Default)]
pub struct Recorder {
    events: Arc<Mutex<Vec<RunEvent>>>,
}

impl Recorder {
    /// Creates an empty recorder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns all events, in order.
    pub fn events(&self) -> Vec<RunEvent> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.clone()
    }

    /// Returns the kinds of the events, in order, without time and task.
    pub fn kinds(&self) -> Vec<RunEventKind> {
        self.events().into_iter().map(|event| event.kind).collect()
    }

    /// Returns the events that were recorded in journals, in order.
    pub fn recorded(&self) -> Vec<EventBody> {
        self.kinds().iter().filter_map(|kind| kind.recorded().cloned()).collect()
    }

    /// Returns the names of the events, such as `llm_intent`, in order.
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
