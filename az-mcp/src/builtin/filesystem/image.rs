//! Pictures, which are read as images.

use az_core::tool::ToolOutput;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::FileError;

/// The largest picture in bytes: 5 MB as base64, which is what providers accept.
const MAX_BYTES: usize = 3_750_000;

/// Returns the media type of a picture that models take, by its first bytes; `None` for anything else.
pub(super) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// Returns the output for a picture, with a line that names it.
pub(super) fn output(path: &str, media_type: &str, bytes: &[u8]) -> Result<ToolOutput, FileError> {
    let size = bytes.len();
    if size > MAX_BYTES {
        return Err(FileError::LargeImage { path: path.to_owned(), size, limit: MAX_BYTES });
    }
    let line = format!("`{path}`: {media_type}, {size} bytes");
    Ok(ToolOutput::done(line).with_image(media_type, STANDARD.encode(bytes)))
}
