//! Conversions between the bytes of files and text.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::FileError;

/// The encoding that maps the bytes of a file to text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Encoding {
    /// Unicode text.
    #[default]
    #[serde(rename = "utf-8", alias = "utf8", alias = "UTF-8", alias = "ascii")]
    Utf8,
    /// One character for each byte; any bytes can be read.
    #[serde(rename = "latin-1", alias = "latin1", alias = "iso-8859-1")]
    Latin1,
    /// Base64, for binary files.
    #[serde(rename = "base64")]
    Base64,
}

impl Encoding {
    /// Returns the encoding's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Utf8 => "utf-8",
            Self::Latin1 => "latin-1",
            Self::Base64 => "base64",
        }
    }

    /// Returns the text for the bytes of the file at `path`.
    pub(super) fn decode(self, path: &str, bytes: Vec<u8>) -> Result<String, FileError> {
        match self {
            Self::Utf8 => String::from_utf8(bytes)
                .map_err(|_invalid| FileError::NotUtf8 { path: path.to_owned() }),
            Self::Latin1 => Ok(bytes.into_iter().map(char::from).collect()),
            Self::Base64 => Ok(STANDARD.encode(bytes)),
        }
    }

    /// Returns the bytes for a text.
    pub(super) fn encode(self, text: String) -> Result<Vec<u8>, FileError> {
        let refused = |reason: String| FileError::Content { encoding: self, reason };
        match self {
            Self::Utf8 => Ok(text.into_bytes()),
            Self::Latin1 => text
                .chars()
                .map(|c| u8::try_from(c).map_err(|_wide| refused(format!("it contains {c:?}"))))
                .collect(),
            Self::Base64 => {
                let text: String = text.split_ascii_whitespace().collect();
                STANDARD.decode(text).map_err(|error| refused(error.to_string()))
            }
        }
    }
}
