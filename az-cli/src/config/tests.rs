//! The table of keys and the sections that files are read into have the same keys.

use serde::Deserialize;
use toml::de::Deserializer;

use super::key::Key;
use super::kind::Kind;
use super::path::all_keys;
use super::sections::FileConfig;

/// Returns a valid value of a kind, as TOML.
fn sample(key: &Key) -> String {
    match key.kind {
        Kind::Text | Kind::Secret | Kind::Path => "\"x\"".to_owned(),
        Kind::AbsolutePath => "\"/x\"".to_owned(),
        Kind::Url => "\"http://x\"".to_owned(),
        Kind::StoreUrl => "\"memory:\"".to_owned(),
        Kind::TimeZone => "\"UTC\"".to_owned(),
        Kind::Duration => "\"10m\"".to_owned(),
        Kind::LogFilter => "\"info,az_core=debug\"".to_owned(),
        Kind::Choice(words) => format!("\"{}\"", words[0]),
        Kind::Bool => "true".to_owned(),
        Kind::Count(_) | Kind::CountOrOff(_) => "1".to_owned(),
        Kind::Price => "0.1".to_owned(),
        Kind::Features => "[\"chat\"]".to_owned(),
        Kind::Variables => "[\"A\"]".to_owned(),
        Kind::Hosts | Kind::Models | Kind::Paths | Kind::Words | Kind::Names => {
            "[\"x\"]".to_owned()
        }
        Kind::Headers => "[\"X-Y: z\"]".to_owned(),
        Kind::Table(keys) | Kind::Tables(keys) | Kind::NamedTables(keys) => {
            let fields = keys.iter().map(|key| format!("{} = {}", key.name, sample(key)));
            let table = format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "));
            match key.kind {
                Kind::Tables(_) => format!("[{table}]"),
                Kind::NamedTables(_) => format!("{{ x = {table} }}"),
                _ => table,
            }
        }
    }
}

fn read(text: &str) -> Result<FileConfig, String> {
    let read = Deserializer::parse(text).unwrap();
    FileConfig::deserialize(read).map_err(|error| error.message().to_owned())
}

#[test]
fn each_key_of_the_table_is_read_and_no_other_one() {
    let all: String =
        super::KEYS.iter().map(|key| format!("{} = {}\n", key.name, sample(key))).collect();
    let config = read(&all).unwrap();
    assert_eq!(config.task.max_steps.map(std::num::NonZeroU32::get), Some(1));
    assert_eq!(config.llm.providers.len(), 1);
    // What serde lists where it finds an unknown key are the fields of the section.
    for (full, key) in all_keys() {
        let keys = key.below();
        if keys.is_empty() {
            continue;
        }
        let table = "{ no_such_key = 1 }";
        let value = match key.kind {
            Kind::Tables(_) => format!("[{table}]"),
            Kind::NamedTables(_) => format!("{{ x = {table} }}"),
            _ => table.to_owned(),
        };
        let message = read(&format!("{full} = {value}\n")).unwrap_err();
        let (_, listed) = message.split_once("expected ").unwrap_or_else(|| panic!("{message}"));
        let mut fields: Vec<_> = listed.split('`').skip(1).step_by(2).collect();
        let mut known: Vec<_> = keys.iter().map(|key| key.name).collect();
        fields.sort_unstable();
        known.sort_unstable();
        assert_eq!(fields, known, "{full}");
    }
}

#[test]
fn each_value_of_one_word_has_a_variable_of_its_own() {
    let mut variables = Vec::new();
    for (full, key) in all_keys() {
        let is_leaf = key.below().is_empty() && !super::path::is_of_several(&full);
        assert_eq!(key.variable.is_some(), is_leaf, "{full}");
        variables.extend(key.variable);
        let usual = format!("AZ_{}", full.replace('.', "_").to_uppercase());
        let short = ["AZ_MODEL", "AZ_STORE", "AZ_DATA_DIR", "AZ_LOG"];
        let is_usual = key.variable.is_none_or(|name| name == usual || short.contains(&name));
        assert!(is_usual, "{full}: {:?}", key.variable);
    }
    let count = variables.len();
    variables.sort_unstable();
    variables.dedup();
    assert_eq!(variables.len(), count);
}

#[test]
fn the_defaults_of_the_table_are_those_of_the_program() {
    let default = |name: &str| {
        let (_, key) = all_keys().into_iter().find(|(full, _)| full == name).unwrap();
        super::default_of(key).unwrap()
    };
    let http = az_ai::provider::http::HttpOptions::default();
    for (name, limit) in [
        ("connect", http.connect_timeout),
        ("first_byte", http.first_byte_timeout),
        ("idle", http.idle_timeout),
        ("event", http.event_timeout),
        ("total", http.total_timeout),
        ("loading", az_ai::dispatch::DispatchOptions::default().loading_wait),
    ] {
        assert_eq!(default(&format!("llm.timeouts.{name}_seconds")), limit.as_secs(), "{name}");
    }
    let llm = az_ai::config::LlmConfig::default();
    assert_eq!(default("llm.cost_tracking"), llm.cost_tracking);
    assert_eq!(default("llm.fallback_enabled"), llm.fallback_enabled);
    let worker = az_core::WorkerId::new("w").unwrap();
    assert_eq!(default("task.max_steps"), az_core::engine::EngineOptions::new(worker).max_steps);
    assert_eq!(default("llm.max_tokens"), crate::services::LONGEST_REPLY);
    let log = super::LogSection::default();
    assert_eq!(default("log.filter"), log.filter());
    let keep = super::parse_duration(default("log.keep").as_str().unwrap());
    assert_eq!(keep, Ok(log.keep()));
    assert_eq!(default("log.max_megabytes"), log.max_bytes() / 1_000_000);
}
