//! Bytes as text, and back.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// How the bytes of a file are written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub enum Encoding {
    /// Unicode text.
    #[default]
    #[serde(rename = "utf-8", alias = "utf8", alias = "UTF-8", alias = "ascii")]
    Utf8,
    /// One character a byte; reads anything.
    #[serde(rename = "latin-1", alias = "latin1", alias = "iso-8859-1")]
    Latin1,
    /// Any bytes, four characters for three of them.
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

    /// Reads the bytes of the file at `path`.
    pub(super) fn decode(self, path: &str, bytes: Vec<u8>) -> Result<String, Problem> {
        match self {
            Self::Utf8 => String::from_utf8(bytes)
                .map_err(|_invalid| Problem::NotUtf8 { path: path.to_owned() }),
            Self::Latin1 => Ok(bytes.into_iter().map(char::from).collect()),
            Self::Base64 => Ok(STANDARD.encode(bytes)),
        }
    }

    /// Returns the bytes that a text stands for.
    pub(super) fn encode(self, text: String) -> Result<Vec<u8>, Problem> {
        let refused = |reason: String| Problem::Content { encoding: self, reason };
        match self {
            Self::Utf8 => Ok(text.into_bytes()),
            Self::Latin1 => text
                .chars()
                .map(|c| u8::try_from(c).map_err(|_wide| refused(format!("it has no {c:?}"))))
                .collect(),
            Self::Base64 => {
                let text: String = text.split_ascii_whitespace().collect();
                STANDARD.decode(text).map_err(|error| refused(error.to_string()))
            }
        }
    }
}
