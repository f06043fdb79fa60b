//! Settings.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;

use super::store::MemoryStore;
use crate::config::{ConfigManager, check_key};
use crate::error::Result;

#[async_trait]
impl ConfigManager for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<Value>> {
        check_key(key)?;
        Ok(self.lock().settings.get(key).cloned())
    }

    async fn set(&self, key: &str, value: &Value) -> Result<()> {
        check_key(key)?;
        self.lock().settings.insert(key.to_owned(), value.clone());
        Ok(())
    }

    async fn get_all(&self) -> Result<BTreeMap<String, Value>> {
        Ok(self.lock().settings.clone())
    }

    async fn delete(&self, key: &str) -> Result<bool> {
        check_key(key)?;
        Ok(self.lock().settings.remove(key).is_some())
    }
}
