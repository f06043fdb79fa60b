//! Values as they are shown.

use std::collections::BTreeMap;

use serde_json::{Number, Value, json};
use toml::de::{DeTable, DeValue};

use super::document::LayerText;
use super::key::{DefaultValue, Key};
use super::kind::Kind;
use super::layer::{Layer, Origin};
use super::merge::{is_in, may_set};
use super::path::{KeyPath, Step, all_keys, find_key, is_of_several};

/// What is shown instead of a key.
const MASKED: &str = "[key]";

/// A key with its value and where that comes from.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SettingValue {
    /// The full name.
    pub key: String,
    /// The value; `None` if no layer sets it, and it has no default. A key is masked.
    pub value: Option<Value>,
    /// Where it comes from; `None` for a default.
    pub origin: Option<Origin>,
}

impl SettingValue {
    /// Whether this is a key, or below it.
    pub fn is_in(&self, key: &str) -> bool {
        is_in(&self.key, key)
    }
}

impl KeyPath {
    /// Returns the full name with numbers instead of names of entries; `None` if there is no such
    /// entry among the values.
    pub fn in_values(&self, values: &[SettingValue]) -> Option<String> {
        let mut full = String::new();
        for step in &self.steps {
            match step {
                Step::Key(name) if full.is_empty() => full.push_str(name),
                Step::Key(name) => full.push_str(&format!(".{name}")),
                Step::Entry(name) => full.push_str(&format!(".{name}")),
                Step::Item(index) => full.push_str(&format!("[{index}]")),
                Step::Named(name) => {
                    let is_named = |setting: &&SettingValue| {
                        let list = setting.key.rsplit_once('[').map(|(list, _)| list);
                        list == Some(&full)
                            && setting.key.ends_with("].name")
                            && setting.value.as_ref().and_then(Value::as_str) == Some(name)
                    };
                    let found = values.iter().find(is_named)?;
                    full = found.key.strip_suffix(".name")?.to_owned();
                }
            }
        }
        values.iter().any(|setting| setting.is_in(&full)).then_some(full)
    }
}

/// Returns a value that was typed as it is stored in a store.
///
/// # Errors
///
/// A value that the key cannot have, or a key that a store cannot set.
pub fn value_in_store(path: &KeyPath, typed: &str) -> Result<Value, String> {
    let key = path.to_string();
    if !may_set(Layer::Store, &key) {
        return Err(format!(
            "{key}: a store can set models by name, limits of steps and time, and cost.time_zone; \
             set it in a file"
        ));
    }
    let toml = path.key.kind.literal(typed).map_err(|what| format!("{key}: {what}"))?;
    let text = LayerText::of_value(Layer::Store, "the store", &key, &toml);
    let problems = text.parse().err().unwrap_or_default();
    if let Some(problem) = problems.first() {
        return Err(problem.in_words());
    }
    let value = DeValue::parse(&toml).map_err(|error| error.message().to_owned())?;
    Ok(json_of(value.get_ref()))
}

/// Returns all keys with their values: those that are set, and those that are not.
pub(super) fn value_of(
    root: &DeTable<'_>,
    origins: &BTreeMap<String, Origin>,
) -> Vec<SettingValue> {
    let masked = unmasked(root).into_iter().map(|(key, value)| {
        let value = shown(&key, value);
        (key, value)
    });
    let set: Vec<_> = masked.collect();
    let mut all = Vec::new();
    for (full, key) in all_keys() {
        let is_leaf = key.below().is_empty();
        let is_several = matches!(key.kind, Kind::Tables(_) | Kind::NamedTables(_));
        if is_several || is_leaf && !is_of_several(&full) {
            let found = set.iter().filter(|(name, _)| is_in(name, &full));
            let before = all.len();
            all.extend(found.map(|(name, value)| SettingValue {
                key: name.clone(),
                value: Some(value.clone()),
                origin: origins.get(name).cloned(),
            }));
            if all.len() == before {
                all.push(SettingValue { key: full, value: default_of(key), origin: None });
            }
        }
    }
    all
}

/// Returns the default of a key as JSON.
pub fn default_of(key: &Key) -> Option<Value> {
    match key.default {
        DefaultValue::Toml(toml) => Some(json_of(DeValue::parse(toml).ok()?.get_ref())),
        DefaultValue::None | DefaultValue::Found(_) => None,
    }
}

/// Returns what a table sets, with its secrets.
pub(super) fn unmasked(root: &DeTable<'_>) -> Vec<(String, Value)> {
    let mut set = Vec::new();
    flatten("", root, &mut set);
    set
}

fn flatten(prefix: &str, table: &DeTable<'_>, set: &mut Vec<(String, Value)>) {
    for (name, value) in table {
        let full = format!("{prefix}{}", name.get_ref());
        match value.get_ref() {
            DeValue::Table(below) => flatten(&format!("{full}."), below, set),
            DeValue::Array(items) if find_key(&full).is_some_and(|key| !key.below().is_empty()) => {
                for (i, item) in items.iter().enumerate() {
                    if let DeValue::Table(below) = item.get_ref() {
                        flatten(&format!("{full}[{i}]."), below, set);
                    }
                }
            }
            value => set.push((full, json_of(value))),
        }
    }
}

/// Masks what may be a secret in a value.
fn shown(full: &str, value: Value) -> Value {
    match (find_key(full).map(|key| key.kind), value) {
        (Some(Kind::Secret), _) => json!(MASKED),
        (Some(Kind::Url), Value::String(url)) => json!(az_ai::catalog::displayed_url(&url)),
        (Some(Kind::StoreUrl), Value::String(url)) => match url.parse() {
            Ok(address) => json!(az_core::store::StoreAddress::to_string(&address)),
            Err(_) => json!(MASKED),
        },
        (Some(Kind::Variables), Value::Array(items)) => {
            let masked = items.iter().filter_map(Value::as_str).map(masked_variable);
            masked.collect::<Vec<_>>().into()
        }
        (Some(Kind::Headers), Value::Array(items)) => {
            let name = |header: &str| header.split(':').next().unwrap_or_default().to_owned();
            let masked = items.iter().filter_map(Value::as_str).map(name);
            masked.map(|name| format!("{name}: …")).collect::<Vec<_>>().into()
        }
        (_, value) => value,
    }
}

/// Returns a variable without the value that it is set to, which may be a secret.
fn masked_variable(variable: &str) -> String {
    match variable.split_once('=') {
        Some((name, _)) => format!("{name}=…"),
        None => variable.to_owned(),
    }
}

pub(super) fn json_of(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => json!(text),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(number) => {
            let number: Option<Number> = serde_json::from_str(number.as_str()).ok();
            number.map_or_else(|| json!(number_text(value)), Value::Number)
        }
        DeValue::Boolean(value) => json!(value),
        DeValue::Datetime(at) => json!(at.to_string()),
        DeValue::Array(items) => items.iter().map(|item| json_of(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let fields = table.iter();
            let fields =
                fields.map(|(name, value)| (name.get_ref().to_string(), json_of(value.get_ref())));
            Value::Object(fields.collect())
        }
    }
}

fn number_text(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Float(number) => number.as_str().to_owned(),
        _ => String::new(),
    }
}

/// Returns a value as TOML; `None` for `null`, which TOML does not have.
pub(super) fn toml_of_json(value: &Value) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => toml_edit::Value::from(text.as_str()).to_string(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().filter_map(toml_of_json).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields = fields.iter().filter_map(|(name, value)| {
                let name = toml_edit::Key::new(name.as_str());
                Some(format!("{} = {}", name.display_repr(), toml_of_json(value)?))
            });
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
    })
}

/// Returns a value as text, as `az config get` prints it: a text without quotes, others as TOML.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => toml_of_json(other).unwrap_or_default(),
    }
}
