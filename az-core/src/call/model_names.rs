//! Names of models, for tools.

use std::fmt;

use async_trait::async_trait;

use crate::error::Result;

/// Knows the names of models.
///
/// # Contract
///
/// 1. A name that a task can run on is returned in full; any other is refused with `Invalid`, and the reason
///    says what to do.
#[async_trait]
pub trait ModelNames: fmt::Debug + Send + Sync + 'static {
    /// Returns the full name of a model.
    ///
    /// # Errors
    ///
    /// `Invalid` for a name that no task can run on.
    async fn full_name(&self, name: &str) -> Result<String>;
}
