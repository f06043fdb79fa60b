//! The kit of [`ConfigManager`].

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::kit::{Checked, Fixture};
use crate::config::ConfigManager;
use crate::error::Error;
use crate::{ensure, ensure_eq, ensure_refused, scenarios};

scenarios! {
    $crate
    /// Plays every scenario of [`ConfigManager`]'s contract.
    config_manager for Fixture<dyn ConfigManager>, in config_manager_conformance;

    what_was_set_is_got_again;
    the_last_setting_stands;
    what_was_never_set_is_nothing;
    what_was_deleted_is_nothing;
    all_settings_are_those_set_and_not_deleted;
    malformed_keys_are_refused;
    settings_survive_a_restart needs durable;
}

/// What the scenarios are played with.
type Settings<'a> = &'a dyn Fixture<dyn ConfigManager>;

async fn what_was_set_is_got_again(fixture: Settings<'_>) -> Checked {
    let config = fixture.open().await;
    for (key, value) in [
        ("text", json!("日本語 \u{1F980} '\"\n")),
        ("llm.max_tokens", json!(18_446_744_073_709_551_615_u64)),
        ("llm.temperature", json!(0.7)),
        ("a.b-c_d.0", json!({ "list": [1, null, true], "": {} })),
        ("nothing", Value::Null),
    ] {
        config.set(key, &value).await?;
        ensure_eq!(config.get(key).await?, Some(value), "the setting {key} came back changed");
    }
    Ok(())
}

async fn the_last_setting_stands(fixture: Settings<'_>) -> Checked {
    let config = fixture.open().await;
    for value in [json!("first"), json!(2), json!("last")] {
        config.set("key", &value).await?;
    }
    ensure_eq!(config.get("key").await?, Some(json!("last")), "an older setting stands");
    Ok(())
}

async fn what_was_never_set_is_nothing(fixture: Settings<'_>) -> Checked {
    let config = fixture.open().await;
    config.set("llm.provider", &json!("p")).await?;
    for key in ["llm", "llm.provider.name", "provider", "llm_provider"] {
        ensure_eq!(config.get(key).await?, None, "{key} was never set");
        ensure!(!config.delete(key).await?, "{key} was never set, and yet deleted");
    }
    Ok(())
}

async fn what_was_deleted_is_nothing(fixture: Settings<'_>) -> Checked {
    let config = fixture.open().await;
    config.set("key", &json!(1)).await?;
    config.set("key.below", &json!(2)).await?;
    ensure!(config.delete("key").await?, "deleting did not say that the key was set");
    ensure!(!config.delete("key").await?, "a key was deleted twice");
    ensure_eq!(config.get("key").await?, None, "a deleted setting is still there");
    ensure_eq!(config.get("key.below").await?, Some(json!(2)), "another setting is gone");
    config.set("key", &json!(3)).await?;
    ensure_eq!(config.get("key").await?, Some(json!(3)), "a deleted key cannot be set again");
    Ok(())
}

async fn all_settings_are_those_set_and_not_deleted(fixture: Settings<'_>) -> Checked {
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

async fn malformed_keys_are_refused(fixture: Settings<'_>) -> Checked {
    let config = fixture.open().await;
    for key in ["", ".", "a.", ".a", "a..b", "A", "a b", "ä", "a/b", "a\n", "%"] {
        let got = config.get(key).await;
        ensure_refused!(got, Error::Invalid { .. }, "the key {key:?} was looked up");
        let set = config.set(key, &json!(1)).await;
        ensure_refused!(set, Error::Invalid { .. }, "the key {key:?} was set");
        let deleted = config.delete(key).await;
        ensure_refused!(deleted, Error::Invalid { .. }, "the key {key:?} was deleted");
    }
    ensure_eq!(config.get_all().await?, BTreeMap::new(), "a refused setting was kept");
    Ok(())
}

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
