//! The part of JSON Schema that arguments of tools and answers of tasks are checked against.
//!
//! Checked are types, `enum`, `const`, fields, items, alternatives, references within the schema, and bounds.
//! [`check_document`] refuses a schema that says more. Arguments of tools are checked as far as this goes; the tool checks the rest.

mod bounds;
mod check;
mod decimal;
mod document;
mod expected;
mod place;
mod problems;
mod same;
mod steps;
#[cfg(test)]
mod tests;
mod types;
mod typos;
mod unique_keys;

pub use check::violations;
pub use document::{SchemaError, check_document};
pub use place::Place;
pub use types::{has_type, kind_of, types_of};
pub(crate) use unique_keys::value_with_unique_keys;
