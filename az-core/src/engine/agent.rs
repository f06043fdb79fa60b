//! The agent: what the engine runs on a task.

use std::fmt;

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use super::run::Run;
use crate::error::Result;

/// The result of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer(pub String);

impl<T: Into<String>> From<T> for Answer {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

/// Works on a task until it has an answer.
///
/// # Contract
///
/// 1. Everything that costs money or changes something goes through the [`Run`], which records it
///    before and after, and begins it only while the lease of the task cannot have expired.
/// 2. An agent continues from [`Run::history`], whatever it contains, and keeps no state between
///    runs.
/// 3. An agent may be dropped at any await.
#[async_trait]
pub trait Agent: fmt::Debug + Send + Sync + 'static {
    /// Works on the run's task.
    ///
    /// # Errors
    ///
    /// Any error that prevents an answer. Errors of the run's methods are returned unchanged.
    async fn work(&self, run: &mut Run) -> Result<Answer>;
}

/// An agent that is a function.
#[derive(Clone)]
pub struct FnAgent<F>(F);

impl<F> FnAgent<F>
where
    F: for<'a> Fn(&'a mut Run) -> BoxFuture<'a, Result<Answer>> + Send + Sync + 'static,
{
    /// Wraps a function, usually `|run| Box::pin(async move { … })`.
    pub const fn new(work: F) -> Self {
        Self(work)
    }
}

impl<F> fmt::Debug for FnAgent<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FnAgent(..)")
    }
}

#[async_trait]
impl<F> Agent for FnAgent<F>
where
    F: for<'a> Fn(&'a mut Run) -> BoxFuture<'a, Result<Answer>> + Send + Sync + 'static,
{
    async fn work(&self, run: &mut Run) -> Result<Answer> {
        (self.0)(run).await
    }
}
