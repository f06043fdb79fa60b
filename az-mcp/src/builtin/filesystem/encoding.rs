//! Conversions between the bytes of files and text.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use encoding_rs::{EncoderResult, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::error::FileError;

/// The encoding that maps the bytes of a file to text.
///
/// It is parsed from a label of the WHATWG Encoding Standard, such as `utf-8`, `windows-1252`,
/// `shift_jis` or `utf-16le`, in any case. Two names mean something else than there: `latin-1` (also
/// `latin1`, `iso-8859-1`) is one character for each byte, so that any bytes can be read and written
/// back, and `base64` is the bytes themselves as Base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "&'static str")]
pub struct Encoding(Kind);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Latin1,
    Base64,
    Standard(&'static encoding_rs::Encoding),
}

impl Default for Encoding {
    fn default() -> Self {
        Self(Kind::Standard(UTF_8))
    }
}

impl Encoding {
    /// Returns the encoding's name.
    pub fn as_str(self) -> &'static str {
        match self.0 {
            Kind::Latin1 => "latin-1",
            Kind::Base64 => "base64",
            Kind::Standard(encoding) if encoding == UTF_8 => "utf-8",
            Kind::Standard(encoding) => encoding.name(),
        }
    }

    /// Returns the text for the bytes of the file at `path`. A byte order mark is part of the text.
    pub(super) fn decode(self, path: &str, bytes: Vec<u8>) -> Result<String, FileError> {
        let invalid = || FileError::Undecodable { path: path.to_owned(), encoding: self };
        match self.0 {
            Kind::Latin1 => Ok(bytes.into_iter().map(char::from).collect()),
            Kind::Base64 => Ok(STANDARD.encode(bytes)),
            Kind::Standard(encoding) if encoding == UTF_8 => {
                String::from_utf8(bytes).map_err(|_invalid| invalid())
            }
            Kind::Standard(encoding) if is_other_byte_order(encoding, &bytes) => Err(invalid()),
            Kind::Standard(encoding) => encoding
                .decode_without_bom_handling_and_without_replacement(&bytes)
                .map(Cow::into_owned)
                .ok_or_else(invalid),
        }
    }

    /// Returns the bytes for a text.
    pub(super) fn encode(self, text: String) -> Result<Vec<u8>, FileError> {
        let refused = |reason: String| FileError::Content { encoding: self, reason };
        let contains = |c: char| refused(format!("it contains {c:?}"));
        match self.0 {
            Kind::Latin1 => {
                text.chars().map(|c| u8::try_from(c).map_err(|_wide| contains(c))).collect()
            }
            Kind::Base64 => {
                let text: String = text.split_ascii_whitespace().collect();
                STANDARD.decode(text).map_err(|error| refused(error.to_string()))
            }
            // The standard's encoders write UTF-8 for these.
            Kind::Standard(encoding) if encoding == UTF_16LE => {
                Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect())
            }
            Kind::Standard(encoding) if encoding == UTF_16BE => {
                Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect())
            }
            Kind::Standard(encoding) if encoding == UTF_8 => Ok(text.into_bytes()),
            Kind::Standard(encoding) => encode(encoding, &text).map_err(contains),
        }
    }
}

/// Returns whether the byte order mark says UTF-16 of the other byte order.
fn is_other_byte_order(encoding: &'static encoding_rs::Encoding, bytes: &[u8]) -> bool {
    let bom = encoding_rs::Encoding::for_bom(bytes).map(|(bom, _)| bom);
    (encoding == UTF_16LE && bom == Some(UTF_16BE))
        || (encoding == UTF_16BE && bom == Some(UTF_16LE))
}

/// Returns the bytes for a text, or the first character that the encoding does not have.
fn encode(encoding: &'static encoding_rs::Encoding, text: &str) -> Result<Vec<u8>, char> {
    let mut encoder = encoding.new_encoder();
    let mut bytes = Vec::new();
    let mut rest = text;
    loop {
        let room = encoder
            .max_buffer_length_from_utf8_without_replacement(rest.len())
            .unwrap_or(rest.len());
        bytes.reserve(room);
        let (result, read) =
            encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut bytes, true);
        match result {
            EncoderResult::InputEmpty => return Ok(bytes),
            EncoderResult::OutputFull => rest = rest.get(read..).unwrap_or_default(),
            EncoderResult::Unmappable(c) => return Err(c),
        }
    }
}

impl FromStr for Encoding {
    type Err = String;

    fn from_str(label: &str) -> Result<Self, String> {
        let label = label.trim();
        let is = |names: &[&str]| names.iter().any(|name| label.eq_ignore_ascii_case(name));
        if is(&["latin-1", "latin1", "iso-8859-1"]) {
            return Ok(Self(Kind::Latin1));
        }
        if is(&["base64"]) {
            return Ok(Self(Kind::Base64));
        }
        if is(&["ascii", "us-ascii"]) {
            return Ok(Self::default());
        }
        match encoding_rs::Encoding::for_label(label.as_bytes()) {
            Some(encoding) if encoding != REPLACEMENT => Ok(Self(Kind::Standard(encoding))),
            _ => Err(format!(
                "unknown encoding {label:?}; use a name such as utf-8, utf-16le, windows-1252, \
                 shift_jis, latin-1 (any bytes) or base64"
            )),
        }
    }
}

impl TryFrom<Cow<'_, str>> for Encoding {
    type Error = String;

    fn try_from(label: Cow<'_, str>) -> Result<Self, String> {
        label.parse()
    }
}

impl From<Encoding> for &'static str {
    fn from(encoding: Encoding) -> Self {
        encoding.as_str()
    }
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl JsonSchema for Encoding {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Encoding".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::Encoding;

    fn encoding(label: &str) -> Encoding {
        label.parse().unwrap()
    }

    #[test]
    fn every_label_of_the_standard_is_an_encoding_in_any_case() {
        let names = ["UTF-8", "ascii", "Latin-1", "BASE64", "cp1252", "Shift_JIS", "utf-16", "GBK"];
        let names = names.map(|label| encoding(label).as_str());
        assert_eq!(
            names,
            ["utf-8", "utf-8", "latin-1", "base64", "windows-1252", "Shift_JIS", "UTF-16LE", "GBK"]
        );
        assert_eq!(
            "utf-9".parse::<Encoding>().unwrap_err(),
            "unknown encoding \"utf-9\"; use a name such as utf-8, utf-16le, windows-1252, \
             shift_jis, latin-1 (any bytes) or base64"
        );
        assert!("replacement".parse::<Encoding>().is_err());
    }

    #[test]
    fn text_is_read_back_as_it_was_written() {
        for (label, text, bytes) in [
            ("utf-16le", "a€😀", &b"a\0\xac\x20\x3d\xd8\x00\xde"[..]),
            ("utf-16be", "a€", b"\0a\x20\xac"),
            ("windows-1252", "5 €", b"5 \x80"),
            ("shift_jis", "日本", b"\x93\xfa\x96\x7b"),
            ("latin-1", "\u{80}ÿ", b"\x80\xff"),
            ("utf-8", "\u{feff}é", b"\xef\xbb\xbf\xc3\xa9"),
        ] {
            let encoding = encoding(label);
            assert_eq!(encoding.encode(text.to_owned()).unwrap(), bytes, "{label}");
            assert_eq!(encoding.decode("f", bytes.to_vec()).unwrap(), text, "{label}");
        }
    }

    #[test]
    fn what_an_encoding_does_not_have_is_refused_by_name() {
        let refused = |label: &str, text: &str| {
            encoding(label).encode(text.to_owned()).unwrap_err().to_string()
        };
        assert_eq!(
            refused("windows-1252", "ok 日"),
            "the content cannot be encoded as windows-1252: it contains '日'"
        );
        let invalid = encoding("shift_jis").decode("a.txt", b"\x93".to_vec()).unwrap_err();
        assert!(encoding("utf-16").decode("f", b"\xfe\xff\0a".to_vec()).is_err());
        assert_eq!(
            invalid.to_string(),
            "`a.txt` is not valid Shift_JIS; read it with another encoding, `latin-1` for any text \
             or `base64` for binary data"
        );
    }
}
