//! Records decisions about how the requests of a task are built.

use super::run::Run;
use crate::error::Result;
use crate::journal::{ContextChange, EventBody, NewEvent};

impl Run {
    /// Records a decision about how the requests that follow are built. Later steps, and later runs of
    /// the task, find it in [`History::context`](crate::journal::History::context).
    ///
    /// # Errors
    ///
    /// The journal's.
    pub async fn decide_context(&mut self, change: ContextChange) -> Result<()> {
        self.append(vec![NewEvent::new(EventBody::Context(change))]).await
    }

    /// Returns the current time.
    pub fn now(&self) -> crate::Timestamp {
        self.context.clock.now()
    }
}
