//! The description of a tool's argument for people.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The type of an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ArgumentType {
    /// Text.
    String,
    /// A number, with or without a fraction.
    #[serde(alias = "integer")]
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list.
    Array,
    /// A map, or a value whose type is unknown.
    #[default]
    Object,
}

/// An argument of a tool.
///
/// It is a summary: constraints such as minimums and nested types are only in the JSON Schema.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ToolArgument {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ArgumentType,
    /// What it is for.
    pub description: String,
    /// Whether a call must have it.
    #[serde(default = "required")]
    pub required: bool,
    /// The value that is used if a call does not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
}

const fn required() -> bool {
    true
}

impl ArgumentType {
    /// Returns the type's name in JSON Schema.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    /// Returns the type of a schema: its `type`, or that of the first alternative that is not null.
    fn of(schema: &Value) -> Option<Self> {
        let named = |name: &Value| Self::deserialize(name).ok();
        match schema.get("type") {
            Some(Value::Array(names)) => names.iter().find_map(named),
            Some(name) => named(name),
            None if schema.get("enum").is_some() => Some(Self::String),
            None => {
                let alternatives = schema.get("anyOf").or_else(|| schema.get("oneOf"))?;
                alternatives.as_array()?.iter().find_map(Self::of)
            }
        }
    }
}

impl ToolArgument {
    /// Creates a required argument.
    pub fn required(
        name: impl Into<String>,
        kind: ArgumentType,
        description: impl Into<String>,
    ) -> Self {
        let (name, description) = (name.into(), description.into());
        Self { name, kind, description, required: true, default: None }
    }

    /// Creates an optional argument.
    pub fn optional(
        name: impl Into<String>,
        kind: ArgumentType,
        description: impl Into<String>,
    ) -> Self {
        Self { required: false, ..Self::required(name, kind, description) }
    }

    /// Sets the default.
    #[must_use]
    pub fn with_default(mut self, default: impl Into<Value>) -> Self {
        self.default = Some(default.into());
        self
    }

    /// Returns the arguments that an object schema describes: those in `order` first, then the
    /// required ones, then the others by name.
    pub fn read(schema: &Value, order: &[&str]) -> Vec<Self> {
        let required: Vec<&str> = match schema.get("required") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let Some(Value::Object(properties)) = schema.get("properties") else {
            return Vec::new();
        };
        let mut names: Vec<&str> = Vec::with_capacity(properties.len());
        let others = properties.keys().map(String::as_str);
        for name in order.iter().chain(&required).copied().chain(others) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let argument = |name: &str| {
            let property = properties.get(name)?;
            let description = property.get("description").and_then(Value::as_str);
            Some(Self {
                name: name.to_owned(),
                kind: ArgumentType::of(property).unwrap_or_default(),
                description: description.unwrap_or_default().to_owned(),
                required: required.contains(&name),
                default: property.get("default").filter(|value| !value.is_null()).cloned(),
            })
        };
        names.into_iter().filter_map(argument).collect()
    }

    /// Returns the object schema of a list of arguments.
    pub fn schema(arguments: &[Self]) -> Value {
        let properties =
            arguments.iter().map(|argument| (argument.name.clone(), argument.property()));
        let properties: Map<String, Value> = properties.collect();
        let required = arguments.iter().filter(|argument| argument.required);
        let required: Vec<&str> = required.map(|argument| argument.name.as_str()).collect();
        let mut schema = json!({"type": "object", "properties": properties});
        if let (Value::Object(schema), false) = (&mut schema, required.is_empty()) {
            schema.insert("required".to_owned(), json!(required));
        }
        schema
    }

    fn property(&self) -> Value {
        let mut property = Map::new();
        property.insert("type".to_owned(), self.kind.as_str().into());
        if self.kind == ArgumentType::Array {
            // Some providers reject an array schema without `items`.
            property.insert("items".to_owned(), json!({}));
        }
        if !self.description.is_empty() {
            property.insert("description".to_owned(), self.description.clone().into());
        }
        if let Some(default) = &self.default {
            property.insert("default".to_owned(), default.clone());
        }
        property.into()
    }
}
