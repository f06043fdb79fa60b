//! The text of a file, and its bytes.

/// A byte order mark.
const MARK: char = '\u{feff}';

/// The text of a file without its byte order mark, and how it is encoded.
///
/// Decoding loses nothing: [`encode`](Self::encode) of the same text returns the same bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct FileText {
    pub(super) text: String,
    encoding: TextEncoding,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TextEncoding {
    Utf8 { has_mark: bool },
    Utf16Le,
    Utf16Be,
}

impl FileText {
    /// Decodes UTF-8, and UTF-16 that begins with a byte order mark.
    ///
    /// # Errors
    ///
    /// Why the bytes are not text, to be read after "it".
    pub(super) fn decode(bytes: Vec<u8>) -> Result<Self, &'static str> {
        let wide = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
            let (units, left) = rest.as_chunks::<2>();
            let units: Vec<u16> = units.iter().map(|bytes| unit(*bytes)).collect();
            let text = left.is_empty().then(|| String::from_utf16(&units).ok()).flatten();
            text.ok_or("is not valid UTF-16")
        };
        let (text, encoding) = match &*bytes {
            [0xff, 0xfe, rest @ ..] => (wide(rest, u16::from_le_bytes)?, TextEncoding::Utf16Le),
            [0xfe, 0xff, rest @ ..] => (wide(rest, u16::from_be_bytes)?, TextEncoding::Utf16Be),
            _ => {
                let text = String::from_utf8(bytes);
                let mut text =
                    text.map_err(|_invalid| "is not UTF-8, nor UTF-16 with a byte order mark")?;
                let has_mark = text.starts_with(MARK);
                if has_mark {
                    text.drain(..MARK.len_utf8());
                }
                (text, TextEncoding::Utf8 { has_mark })
            }
        };
        match text.contains('\0') {
            true => Err("contains NUL characters"),
            false => Ok(Self { text, encoding }),
        }
    }

    /// Returns the bytes of a file with this encoding and another text.
    pub(super) fn encode(&self, text: &str) -> Vec<u8> {
        let marked = || std::iter::once(MARK).chain(text.chars());
        let wide = |unit: fn(u16) -> [u8; 2]| {
            let mut buffer = [0; 2];
            let mut bytes = Vec::with_capacity(2 * text.len() + 2);
            for c in marked() {
                bytes.extend(c.encode_utf16(&mut buffer).iter().flat_map(|half| unit(*half)));
            }
            bytes
        };
        match self.encoding {
            TextEncoding::Utf8 { has_mark: false } => text.as_bytes().to_vec(),
            TextEncoding::Utf8 { has_mark: true } => format!("{MARK}{text}").into_bytes(),
            TextEncoding::Utf16Le => wide(u16::to_le_bytes),
            TextEncoding::Utf16Be => wide(u16::to_be_bytes),
        }
    }
}

/// Returns a text without a byte order mark at its start.
pub(super) fn without_mark(text: &str) -> &str {
    text.strip_prefix(MARK).unwrap_or(text)
}
