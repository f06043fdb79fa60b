//! The kit of [`ConfigManager`].

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::kit::{Checked, Fixture};
use crate::config::ConfigManager;
use crate::error::Error;
use crate::{ensure, ensure_eq, ensure_refused, scenarios};

scenarios! {
    $crate
    /// Runs every scenario of [`ConfigManager`]'s contract.
    config_manager for Fixture<dyn ConfigManager>, in config_manager_conformance;

    a_setting_is_returned_as_it_was_set;
    setting_again_replaces_the_value;
    a_setting_that_was_never_set_is_none;
    a_deleted_setting_is_none;
    get_all_returns_the_settings_that_were_set_and_not_deleted;
    malformed_keys_are_refused;
    settings_survive_a_restart needs durable;
}

/// The fixture of a scenario.
type Settings<'a> = &'a dyn Fixture<dyn ConfigManager>;

/// Checks `ConfigManager` 1.
async fn a_setting_is_returned_as_it_was_set(fixture: Settings<'_>) -> Checked {
    let config = fixture.open().await;
    for (key, value) in [
        ("text", json!("日本語 \u{1F980} '\"\n")),
        ("llm.max_tokens", json!(18_446_744_073_709_551_615_u64)),
        ("llm.temperature", json!(0.7)),
        ("a.b-c_d.0", json!({ "list": [1, null, true], "": {} })),
        ("nothing", Value::Null),
    ] {
        config.set(key, &value).await?;
        ensure_eq!(config.get(key).await?, Some(value), "the setting {key} was changed");
    }
    Ok(())
}

/// Checks `ConfigManager` 1.
async fn setting_again_replaces_the_value(fixture: Settings<'_>) -> Checked {
    let config = fixture.open().await;
    for value in [json!("first"), json!(2), json!("last")] {
        config.set("key", &value).await?;
    }
    ensure_eq!(config.get("key").await?, Some(json!("last")), "an older value was returned");
    Ok(())
}

/// Checks `ConfigManager` 2.
async fn a_setting_that_was_never_set_is_none(fixture: Settings<'_>) -> Checked {
    let config = fixture.open().await;
    config.set("llm.provider", &json!("p")).await?;
    for key in ["llm", "llm.provider.name", "provider", "llm_provider"] {
        ensure_eq!(config.get(key).await?, None, "{key} was never set");
        ensure!(!config.delete(key).await?, "deleting {key}, which was never set, returned true");
    }
    Ok(())
}

/// Checks `ConfigManager` 2.
async fn a_deleted_setting_is_none(fixture: Settings<'_>) -> Checked {
    let config = fixture.open().await;
    config.set("key", &json!(1)).await?;
    config.set("key.below", &json!(2)).await?;
    ensure!(config.delete("key").await?, "deleting a key that was set returned false");
    ensure!(!config.delete("key").await?, "deleting a deleted key returned true");
    ensure_eq!(config.get("key").await?, None, "a deleted setting was returned");
    ensure_eq!(config.get("key.below").await?, Some(json!(2)), "another setting was deleted");
    config.set("key", &json!(3)).await?;
    ensure_eq!(config.get("key").await?, Some(json!(3)), "a deleted key cannot be set again");
    Ok(())
}

/// Checks `ConfigManager` 3.
async fn get_all_returns_the_settings_that_were_set_and_not_deleted(
    fixture: Settings<'_>,
) -> Checked {
    let config = fixture.open().await;
    ensure_eq!(config.get_all().await?, BTreeMap::new(), "a new store has settings");
    for key in ["b", "a.z", "a.b", "gone", "nothing"] {
        config.set(key, &json!(key)).await?;
    }
    config.set("nothing", &Value::Null).await?;
    config.delete("gone").await?;
    let expected =
        [("a.b", json!("a.b")), ("a.z", json!("a.z")), ("b", json!("b")), ("nothing", Value::Null)];
    let expected: BTreeMap<_, _> = expected.map(|(key, value)| (key.to_owned(), value)).into();
    ensure_eq!(config.get_all().await?, expected, "other settings were listed");
    Ok(())
}

/// Checks `ConfigManager` 4.
async fn malformed_keys_are_refused(fixture: Settings<'_>) -> Checked {
    let config = fixture.open().await;
    for key in ["", ".", "a.", ".a", "a..b", "A", "a b", "ä", "a/b", "a\n", "%"] {
        let got = config.get(key).await;
        ensure_refused!(got, Error::Invalid { .. }, "the key {key:?} was accepted by get");
        let set = config.set(key, &json!(1)).await;
        ensure_refused!(set, Error::Invalid { .. }, "the key {key:?} was accepted by set");
        let deleted = config.delete(key).await;
        ensure_refused!(deleted, Error::Invalid { .. }, "the key {key:?} was accepted by delete");
    }
    ensure_eq!(config.get_all().await?, BTreeMap::new(), "a refused setting was stored");
    Ok(())
}

/// Checks `ConfigManager` 5.
async fn settings_survive_a_restart(fixture: Settings<'_>) -> Checked {
    let config = fixture.open().await;
    config.set("kept", &json!({ "a": 1 })).await?;
    config.set("gone", &json!(1)).await?;
    config.delete("gone").await?;
    drop(config);
    let config = fixture.open().await;
    let expected = BTreeMap::from([("kept".to_owned(), json!({ "a": 1 }))]);
    ensure_eq!(config.get_all().await?, expected, "acknowledged settings were lost or changed");
    Ok(())
}
