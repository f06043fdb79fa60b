//! The JSON Schema of the configuration, made from the table of keys.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use az_ai::provider::connect::FEATURES;

use super::key::Key;
use super::keys::KEYS;
use super::kind::Kind;
use super::sections::FileConfig;
use super::value::default_of;

impl JsonSchema for FileConfig {
    fn schema_name() -> Cow<'static, str> {
        "AzConfig".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let about = "The configuration of az: config.toml and az.toml.";
        let mut schema = json_schema!({ "description": about });
        if let Value::Object(fields) = table(KEYS) {
            for (name, value) in fields {
                schema.insert(name, value);
            }
        }
        schema
    }
}

fn table(keys: &'static [Key]) -> Value {
    let properties = keys.iter().map(|key| (key.name.to_owned(), of_key(key)));
    let properties: Map<_, _> = properties.collect();
    let required: Vec<_> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn of_key(key: &'static Key) -> Value {
    let mut schema = of_kind(key.kind);
    if let Value::Object(fields) = &mut schema {
        fields.insert("description".to_owned(), key.about.into());
        fields.extend(default_of(key).map(|default| ("default".to_owned(), default)));
    }
    schema
}

fn of_kind(kind: Kind) -> Value {
    match kind {
        Kind::Text
        | Kind::Secret
        | Kind::Path
        | Kind::AbsolutePath
        | Kind::StoreUrl
        | Kind::TimeZone
        | Kind::LogFilter
        | Kind::Duration => json!({ "type": "string", "minLength": 1 }),
        Kind::Url => json!({ "type": "string", "pattern": "^[Hh][Tt][Tt][Pp][Ss]?://." }),
        Kind::Choice(words) => json!({ "type": "string", "enum": words }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Count(most) => json!({ "type": "integer", "minimum": 1, "maximum": most }),
        Kind::CountOrOff(most) => json!({ "type": "integer", "minimum": 0, "maximum": most }),
        Kind::Price => json!({ "type": ["number", "string"], "minimum": 0 }),
        Kind::Features => json!({ "type": "array", "items": { "enum": FEATURES } }),
        Kind::Variables => {
            json!({ "type": "array", "items": { "type": "string", "pattern": "^[^=]" } })
        }
        Kind::Headers => {
            json!({ "type": "array", "items": { "type": "string", "pattern": "^[A-Za-z0-9_-]+: *." } })
        }
        Kind::Hosts | Kind::Models | Kind::Paths | Kind::Words | Kind::Names => {
            json!({ "type": "array", "items": { "type": "string", "minLength": 1 } })
        }
        Kind::Table(keys) => table(keys),
        Kind::Tables(keys) => json!({ "type": "array", "items": table(keys) }),
        Kind::NamedTables(keys) => json!({ "type": "object", "additionalProperties": table(keys) }),
    }
}
