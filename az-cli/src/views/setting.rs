//! A setting with its value and origin.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::config::{Layer, SettingValue};

/// A setting with its value and where that comes from.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct SettingView {
    /// The full name of the key.
    pub key: String,
    /// The value; `null` if it is not set and has no default. Keys and passwords are masked.
    pub value: Option<Value>,
    /// The layer that sets it: `flag`, `environment`, `project`, `store`, `user`, `system`, `default`;
    /// `null` if there is no value.
    pub layer: Option<Layer>,
    /// The file, the variable or the option.
    pub source: Option<String>,
    /// The line in the file, from 1.
    pub line: Option<usize>,
    /// The column in the file, from 1.
    pub column: Option<usize>,
}

impl SettingView {
    /// Returns the view of a key that has no value.
    pub const fn unset(key: String) -> Self {
        Self { key, value: None, layer: None, source: None, line: None, column: None }
    }

    /// Returns where the value comes from, in words: `/home/me/.config/az/config.toml:3:9`.
    pub fn origin_in_words(&self) -> String {
        match (&self.source, self.line, self.column, self.layer) {
            (Some(source), Some(line), Some(column), _) => format!("{source}:{line}:{column}"),
            (Some(source), ..) => source.clone(),
            (None, _, _, Some(layer)) => layer.to_string(),
            (None, ..) => "-".to_owned(),
        }
    }
}

impl From<&SettingValue> for SettingView {
    fn from(setting: &SettingValue) -> Self {
        let origin = setting.origin.as_ref();
        let location = origin.and_then(|origin| origin.location.as_ref());
        let default = setting.value.as_ref().map(|_| Layer::Default);
        Self {
            key: setting.key.clone(),
            value: setting.value.clone(),
            layer: origin.map(|origin| origin.layer).or(default),
            source: origin.map(|origin| origin.source.clone()),
            line: location.map(|location| location.line),
            column: location.map(|location| location.column),
        }
    }
}
