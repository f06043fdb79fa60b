//! The hints that are not recorded yet.

use async_trait::async_trait;

use super::store::MemoryStore;
use crate::clock::Timestamp;
use crate::error::Result;
use crate::id::TaskId;
use crate::journal::{Hint, HintQueue};

#[async_trait]
impl HintQueue for MemoryStore {
    async fn send_hint(&self, task: &TaskId, hint: &Hint, _now: Timestamp) -> Result<()> {
        let mut state = self.lock();
        Hint::check_open(&state.find(task)?.task)?;
        let is_recorded = state.records.get(task).is_some_and(|record| record.has_hint(&hint.id));
        let hints = state.hints.entry(task.clone()).or_default();
        if is_recorded || hints.iter().any(|known| known.id == hint.id) {
            return Err(hint.repeated());
        }
        hints.push(hint.clone());
        Ok(())
    }

    async fn hints(&self, task: &TaskId) -> Result<Vec<Hint>> {
        Ok(self.lock().hints.get(task).cloned().unwrap_or_default())
    }
}
