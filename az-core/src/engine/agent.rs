//! Who does the work: the port that the engine runs.

use std::fmt;

use async_trait::async_trait;
use futures_util::future::BoxFuture;

use super::run::Run;
use crate::error::Result;

/// What an agent ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer(pub String);

impl<T: Into<String>> From<T> for Answer {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

/// Carries a task on until it has an answer.
///
/// # Contract
///
/// 1. Everything that costs or changes something goes through the [`Run`], so that it is recorded
///    before and after.
/// 2. An agent continues from [`Run::history`], whatever it contains; it keeps no state of its own
///    between runs.
/// 3. An agent may be dropped at any await.
#[async_trait]
pub trait Agent: fmt::Debug + Send + Sync + 'static {
    /// Works on the run's task.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from answering. Errors of the run's methods are passed on as they are.
    async fn work(&self, run: &mut Run) -> Result<Answer>;
}

/// An agent made of a function.
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
