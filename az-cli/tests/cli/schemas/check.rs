//! Checks a JSON document against a schema: the keywords that schemars writes, without a dependency of
//! seventy crates. It is stricter than JSON Schema: a field that no part of the schema describes is an
//! error.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

/// The keywords that assert nothing about a value.
const ANNOTATIONS: &[&str] = &["$schema", "$defs", "title", "description", "default"];

/// The fields of an object that a schema describes.
enum Described {
    All,
    Fields(BTreeSet<String>),
}

impl Described {
    fn add(&mut self, other: Self) {
        match (&mut *self, other) {
            (Self::Fields(fields), Self::Fields(more)) => fields.extend(more),
            (this, Self::All) => *this = Self::All,
            (Self::All, Self::Fields(_)) => {}
        }
    }
}

/// Returns what is wrong with a document, and where.
pub(super) fn check(schema: &Value, document: &Value) -> Result<(), String> {
    Checker { root: schema }.value(schema, document, "")
}

struct Checker<'a> {
    root: &'a Value,
}

impl Checker<'_> {
    fn value(&self, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
        let described = self.assert(schema, value, path)?;
        let (Described::Fields(described), Some(fields)) = (described, value.as_object()) else {
            return Ok(());
        };
        match fields.keys().find(|name| !described.contains(*name)) {
            Some(name) => Err(format!("{path}/{name} is not in the schema")),
            None => Ok(()),
        }
    }

    /// Asserts every keyword; returns the fields that the schema describes.
    fn assert(&self, schema: &Value, value: &Value, path: &str) -> Result<Described, String> {
        let Value::Object(keywords) = schema else {
            assert_eq!(schema, &Value::Bool(true), "{path}: not a schema");
            return Ok(Described::All);
        };
        let mut keywords = keywords.clone();
        keywords.retain(|name, _| !ANNOTATIONS.contains(&name.as_str()));
        if keywords.is_empty() {
            return Ok(Described::All);
        }
        let mut described = Described::Fields(BTreeSet::new());
        for (keyword, argument) in &keywords {
            let problem = match keyword.as_str() {
                "properties" => {
                    described.add(self.properties(argument, value, path)?);
                    None
                }
                "$ref" => {
                    let name = argument.as_str().unwrap().trim_start_matches('#');
                    let target = self.root.pointer(name).unwrap_or_else(|| panic!("{name}"));
                    described.add(self.assert(target, value, path)?);
                    None
                }
                "allOf" | "anyOf" | "oneOf" => {
                    described.add(self.branches(keyword, argument, value, path)?);
                    None
                }
                "items" => {
                    for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                        self.value(argument, item, &format!("{path}/{index}"))?;
                    }
                    None
                }
                _ => wrong(keyword, argument, value),
            };
            if let Some(problem) = problem {
                return Err(format!("{path}: {problem}: {value}"));
            }
        }
        Ok(described)
    }

    fn properties(
        &self,
        properties: &Value,
        value: &Value,
        path: &str,
    ) -> Result<Described, String> {
        let properties = properties.as_object().unwrap();
        let none = Map::new();
        for (name, value) in value.as_object().unwrap_or(&none) {
            if let Some(schema) = properties.get(name) {
                self.value(schema, value, &format!("{path}/{name}"))?;
            }
        }
        Ok(Described::Fields(properties.keys().cloned().collect()))
    }

    fn branches(
        &self,
        keyword: &str,
        branches: &Value,
        value: &Value,
        path: &str,
    ) -> Result<Described, String> {
        let branches = branches.as_array().unwrap();
        let results: Vec<_> =
            branches.iter().map(|branch| self.assert(branch, value, path)).collect();
        let fit = results.iter().filter(|result| result.is_ok()).count();
        let is_right = match keyword {
            "allOf" => fit == branches.len(),
            "oneOf" => fit == 1,
            _ => fit >= 1,
        };
        let mut described = Described::Fields(BTreeSet::new());
        let mut problems = Vec::new();
        for result in results {
            match result {
                Ok(more) => described.add(more),
                Err(problem) => problems.push(problem),
            }
        }
        if is_right {
            return Ok(described);
        }
        Err(format!("{path}: {fit} of {keyword} fit: {}", problems.join("; ")))
    }
}

/// Returns what is wrong with a value by one keyword.
fn wrong(keyword: &str, argument: &Value, value: &Value) -> Option<String> {
    let is_right =
        match keyword {
            "type" => match argument {
                Value::Array(types) => types.iter().any(|kind| is_of(kind, value)),
                kind => is_of(kind, value),
            },
            "const" => argument == value,
            "enum" => argument.as_array().unwrap().contains(value),
            "required" => argument.as_array().unwrap().iter().all(|name| {
                value.as_object().is_none_or(|it| it.contains_key(name.as_str().unwrap()))
            }),
            "minimum" => value.as_f64().is_none_or(|it| it >= argument.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|it| it <= argument.as_f64().unwrap()),
            "format" if argument == "date-time" => {
                value.as_str().is_none_or(|it| it.parse::<az_core::Timestamp>().is_ok())
            }
            // The widths of integers.
            "format" => true,
            other => panic!("the keyword {other} is not checked: {argument}"),
        };
    (!is_right).then(|| format!("not of {keyword} {argument}"))
}

fn is_of(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}
