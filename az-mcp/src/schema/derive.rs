//! JSON Schemas of Rust types, in the form that every provider accepts.

use std::fmt;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::de::{DeserializeOwned, Deserializer, Visitor};
use serde_json::{Map, Value, json};

/// The keywords whose values are not schemas, and hence are not simplified.
const VALUE_KEYWORDS: [&str; 4] = ["const", "default", "enum", "examples"];

/// Returns the schema of a tool's arguments.
///
/// It is an object schema without `$schema`, titles and references (recursive types keep
/// references). It has `additionalProperties: false` unless the type sets that itself.
pub fn input_schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12();
    let Value::Object(mut object) = simple_schema::<T>(settings) else {
        return json!({"type": "object"});
    };
    // The doc comment of the type is for programmers; the tool has a description of its own.
    object.remove("description");
    object.insert("type".to_owned(), "object".into());
    object.entry("properties").or_insert_with(|| json!({}));
    object.entry("additionalProperties").or_insert(Value::Bool(false));
    remove_null_types(&mut object);
    object.into()
}

/// Returns the schema of a tool's output, without `$schema`, titles and references.
pub fn output_schema<T: JsonSchema>() -> Value {
    simple_schema::<T>(SchemaSettings::draft2020_12().for_serialize())
}

fn simple_schema<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let settings = settings.with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    simplify(&mut schema);
    schema
}

/// Returns the names of a struct's fields in the order of their declaration.
pub fn argument_order<T: DeserializeOwned>() -> &'static [&'static str] {
    match T::deserialize(FieldNames) {
        Err(FoundFields(fields)) => fields,
        Ok(_) => &[],
    }
}

/// Removes what providers do not accept from a schema and the schemas within it.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("title").is_some_and(Value::is_string) {
                object.remove("title");
            }
            // Formats such as `double` and `uint32` name Rust types; strict validators reject them.
            if matches!(object.get("type").and_then(Value::as_str), Some("number" | "integer")) {
                object.remove("format");
            }
            constants_to_enum(object);
            let schemas =
                object.iter_mut().filter(|(key, _)| !VALUE_KEYWORDS.contains(&key.as_str()));
            schemas.for_each(|(_, schema)| simplify(schema));
        }
        Value::Array(items) => items.iter_mut().for_each(simplify),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Replaces a `oneOf` of string constants, some of them documented, by an `enum`.
fn constants_to_enum(object: &mut Map<String, Value>) {
    let Some(Value::Array(alternatives)) = object.get("oneOf") else { return };
    let mut names = Vec::new();
    for alternative in alternatives {
        match (alternative.get("const"), alternative.get("enum")) {
            (Some(name), None) => names.push(name.clone()),
            (None, Some(Value::Array(more))) => names.extend_from_slice(more),
            _ => return,
        }
    }
    if names.iter().all(Value::is_string) {
        object.remove("oneOf");
        object.insert("type".to_owned(), "string".into());
        object.insert("enum".to_owned(), names.into());
    }
}

/// Removes `null` from the types of optional properties: omitting the argument means the same.
fn remove_null_types(object: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = object.get_mut("properties") else { return };
    for property in properties.values_mut().filter_map(Value::as_object_mut) {
        if property.get("default").is_some_and(Value::is_null) {
            property.remove("default");
        }
        if let Some(Value::Array(types)) = property.get_mut("type") {
            types.retain(|name| name != "null");
            if let [only] = types.as_slice() {
                let only = only.clone();
                property.insert("type".to_owned(), only);
            }
        }
        if matches!(property.get("type").and_then(Value::as_str), Some("number" | "integer")) {
            property.remove("format");
        }
    }
}

/// A deserializer that fails at once, with the names of the requested fields as its error.
struct FieldNames;

/// The error that carries the names of the requested fields.
#[derive(Debug)]
struct FoundFields(&'static [&'static str]);

impl fmt::Display for FoundFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "fields {:?}", self.0)
    }
}

impl std::error::Error for FoundFields {}

impl serde::de::Error for FoundFields {
    fn custom<T: fmt::Display>(_message: T) -> Self {
        Self(&[])
    }
}

impl<'de> Deserializer<'de> for FieldNames {
    type Error = FoundFields;

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, FoundFields> {
        Err(FoundFields(&[]))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        _visitor: V,
    ) -> Result<V::Value, FoundFields> {
        Err(FoundFields(fields))
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}
