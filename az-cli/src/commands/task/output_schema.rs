//! Files with output schemas.

use std::path::Path;

use az_core::Error;
use az_core::task::{LARGEST_OUTPUT_SCHEMA, OutputSchema};
use az_mcp::secrets::KnownSecrets;

use crate::error::CliError;
use crate::text_file::read_text;

/// Reads the JSON Schema of `--output-schema`. This blocks.
///
/// # Errors
///
/// A usage error for a file that cannot be read, is too large, contains a known secret, or is no schema that
/// answers can be checked against.
pub(super) fn read_output_schema(
    file: &Path,
    secrets: &KnownSecrets,
) -> Result<OutputSchema, CliError> {
    let name = file.display();
    let refused = |reason: &str| CliError::Usage(format!("--output-schema {name}: {reason}"));
    let (text, size) =
        read_text(file, LARGEST_OUTPUT_SCHEMA).map_err(|error| refused(&error.to_string()))?;
    if size > text.len() {
        let limit = LARGEST_OUTPUT_SCHEMA >> 10;
        return Err(refused(&format!("larger than {limit} KiB; shorten it")));
    }
    let with_secret = || {
        refused(
            "contains a key or password, and would be recorded and sent to the model; take it out",
        )
    };
    // A masked schema would be another one.
    if secrets.contains(&text) {
        return Err(with_secret());
    }
    let schema = OutputSchema::parse(&text).map_err(|error| match error {
        Error::Invalid { reason, .. } => refused(&secrets.redact(&reason)),
        other => other.into(),
    })?;
    // Any characters of a text may be escaped in the file.
    match secrets.find(schema.as_value()) {
        Some(_) => Err(with_secret()),
        None => Ok(schema),
    }
}
