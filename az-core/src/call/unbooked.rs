//! An account that books nothing.

use std::time::Duration;

use async_trait::async_trait;

use super::account::Account;
use super::attempt::{Attempt, Meter, ModelEffect, ModelFailure, ModelRequest};
use super::retry::RetryPolicy;
use crate::error::Result;

/// Makes calls without holding or booking anything, for programs that account for costs elsewhere.
#[derive(Debug, Clone)]
pub struct Unbooked {
    retry: RetryPolicy,
    seed: u64,
}

impl Unbooked {
    /// Creates an account with a retry policy. `seed` spreads the waits: pass a different number
    /// for each request, so that requests that fail together are not retried together.
    pub const fn new(retry: RetryPolicy, seed: u64) -> Self {
        Self { retry, seed }
    }
}

#[async_trait]
impl Account for Unbooked {
    async fn attempt(
        &mut self,
        _request: &ModelRequest,
        effect: &dyn ModelEffect,
    ) -> Result<Attempt> {
        Ok(effect.call(&Meter::default()).await.into())
    }

    fn failed(&mut self, _failure: &ModelFailure, _retry_in: Option<Duration>) {
        self.seed = self.seed.wrapping_add(1);
    }

    async fn note(&mut self, _text: String) -> Result<()> {
        Ok(())
    }

    #[expect(clippy::disallowed_methods, reason = "the wait before a retry is real time")]
    async fn pause(&mut self, wait: Duration) -> Result<()> {
        tokio::time::sleep(wait).await;
        Ok(())
    }

    fn retry_policy(&self) -> RetryPolicy {
        self.retry
    }

    fn seed(&self) -> u64 {
        self.seed
    }
}
