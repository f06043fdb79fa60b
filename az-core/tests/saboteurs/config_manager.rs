//! Saboteurs of settings.

use std::collections::BTreeMap;

use async_trait::async_trait;
use az_core::config::ConfigManager;
use az_core::memory::MemoryStore;
use az_core::{Error, Result};
use serde_json::{Value, json};

super::support::saboteurs! {
    of config_manager bending BendSettings;

    /// Breaks `ConfigManager` 1.
    taking_null_for_nothing => [a_setting_is_returned_as_it_was_set] {
        async fn get(&self, store: &MemoryStore, key: &str) -> Result<Option<Value>> {
            let value = ConfigManager::get(store, key).await?;
            Ok(value.filter(|value| !value.is_null()))
        }
    }

    /// Breaks `ConfigManager` 1.
    keeping_the_first => [setting_again_replaces_the_value] {
        async fn set(&self, store: &MemoryStore, key: &str, value: &Value) -> Result<()> {
            let set = ConfigManager::get(store, key).await?;
            if set.is_none() || value.is_null() {
                store.set(key, value).await?;
            }
            Ok(())
        }
    }

    /// Breaks `ConfigManager` 2.
    inventing_sections => [a_setting_that_was_never_set_is_none] {
        async fn get(&self, store: &MemoryStore, key: &str) -> Result<Option<Value>> {
            let value = ConfigManager::get(store, key).await?;
            let all = store.get_all().await?;
            let section = all.keys().any(|known| known.starts_with(&format!("{key}.")));
            Ok(value.or((section && key == "llm").then(|| json!({}))))
        }
    }

    /// Breaks `ConfigManager` 2.
    deleting_sections => [a_deleted_setting_is_none] {
        async fn delete(&self, store: &MemoryStore, key: &str) -> Result<bool> {
            for known in store.get_all().await?.into_keys() {
                if known.starts_with(&format!("{key}.")) && key == "key" {
                    ConfigManager::delete(store, &known).await?;
                }
            }
            ConfigManager::delete(store, key).await
        }
    }

    /// Breaks `ConfigManager` 3.
    leaving_null_out => [get_all_returns_the_settings_that_were_set_and_not_deleted] {
        async fn get_all(&self, store: &MemoryStore) -> Result<BTreeMap<String, Value>> {
            let mut all = store.get_all().await?;
            all.retain(|_, value| !value.is_null());
            Ok(all)
        }
    }

    /// Breaks `ConfigManager` 4.
    shrugging_at_malformed_keys => [malformed_keys_are_refused] {
        async fn get(&self, store: &MemoryStore, key: &str) -> Result<Option<Value>> {
            match ConfigManager::get(store, key).await {
                Err(Error::Invalid { .. }) => Ok(None),
                other => other,
            }
        }
    }
}
