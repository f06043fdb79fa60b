//! The scripted effect of the kit of accounts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::call::{Meter, ModelCompletion, ModelEffect, ModelFailure, Restart};
use crate::cost::Charge;

/// An effect that notes a charge, waits until it is released, and returns its scripted outcome.
#[derive(Debug)]
pub(super) struct ScriptedEffect {
    pub(super) noted: Option<Charge>,
    pub(super) outcome: Result<ModelCompletion, ModelFailure>,
    pub(super) calls: AtomicU32,
    pub(super) started: Notify,
    pub(super) released: CancellationToken,
}

impl ScriptedEffect {
    /// Creates an effect that does not wait.
    pub(super) fn released(outcome: Result<ModelCompletion, ModelFailure>) -> Arc<Self> {
        let effect = Self::waiting(None, outcome);
        effect.released.cancel();
        effect
    }

    /// Creates an effect that waits.
    pub(super) fn waiting(
        noted: Option<Charge>,
        outcome: Result<ModelCompletion, ModelFailure>,
    ) -> Arc<Self> {
        Arc::new(Self {
            noted,
            outcome,
            calls: AtomicU32::new(0),
            started: Notify::new(),
            released: CancellationToken::new(),
        })
    }
}

#[async_trait]
impl ModelEffect for ScriptedEffect {
    async fn call(&self, meter: &Meter) -> Result<ModelCompletion, ModelFailure> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        if let Some(noted) = &self.noted {
            meter.note(noted.clone());
        }
        self.started.notify_one();
        self.released.cancelled().await;
        self.outcome.clone()
    }

    fn restart(&self) -> Restart {
        Restart::Allowed
    }
}
