//! The contract of stored settings.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;
use serde_json::Value;

use crate::error::{Error, Result};

/// Stores settings by dotted key, such as `llm.provider`.
///
/// # Contract
///
/// 1. A setting is returned as it was set; the last one replaces those before it.
/// 2. A key that was never set, or was deleted, is `None`; deleting returns whether it was set.
/// 3. `get_all` returns the settings that were set and not deleted, ordered by key.
/// 4. A key is dotted words of `[a-z0-9_-]`, else `Invalid`.
/// 5. Acknowledged writes survive a restart, if the backend is durable.
#[async_trait]
pub trait ConfigManager: fmt::Debug + Send + Sync + 'static {
    /// Returns a setting.
    ///
    /// # Errors
    ///
    /// `Invalid` for a malformed key, or the backend's own.
    async fn get(&self, key: &str) -> Result<Option<Value>>;

    /// Sets a setting.
    ///
    /// # Errors
    ///
    /// `Invalid` for a malformed key, or the backend's own.
    async fn set(&self, key: &str, value: &Value) -> Result<()>;

    /// Returns all settings.
    ///
    /// # Errors
    ///
    /// The backend's own.
    async fn get_all(&self) -> Result<BTreeMap<String, Value>>;

    /// Removes a setting; returns whether it was set.
    ///
    /// # Errors
    ///
    /// `Invalid` for a malformed key, or the backend's own.
    async fn delete(&self, key: &str) -> Result<bool>;
}

/// Conveniences for callers, implemented for every [`ConfigManager`].
#[async_trait]
pub trait ConfigManagerExt: ConfigManager {
    /// Returns a setting, or `default` when it is not set.
    ///
    /// # Errors
    ///
    /// Those of [`ConfigManager::get`].
    async fn get_or(&self, key: &str, default: Value) -> Result<Value> {
        Ok(self.get(key).await?.unwrap_or(default))
    }
}

impl<C: ConfigManager + ?Sized> ConfigManagerExt for C {}

/// Checks that a key is dotted words of `[a-z0-9_-]`.
///
/// # Errors
///
/// `Invalid` when it is not.
pub fn check_key(key: &str) -> Result<()> {
    let legal = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    if key.split('.').all(|word| !word.is_empty() && word.bytes().all(legal)) {
        return Ok(());
    }
    Err(Error::invalid(
        "key",
        format!("{key:?} must be dotted words of a-z, 0-9, _ and -, such as llm.provider"),
    ))
}
