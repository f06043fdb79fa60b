//! Pictures, which are read as images.

use az_core::content::ImageContent;
use az_core::tool::ToolOutput;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::error::FileError;
pub use super::image_header::media_type;

/// The largest picture in bytes: 5 MB as base64, which is what providers accept.
pub const LARGEST_IMAGE: usize = 3_750_000;

/// Returns a picture as an image; `None` if it is larger than [`LARGEST_IMAGE`], or none that models take.
pub fn image(bytes: &[u8]) -> Option<ImageContent> {
    let mime_type = media_type(bytes)?.to_owned();
    (bytes.len() <= LARGEST_IMAGE).then(|| ImageContent { mime_type, data: STANDARD.encode(bytes) })
}

/// Returns the output for a picture, with a line that names it.
pub(super) fn output(path: &str, media_type: &str, bytes: &[u8]) -> Result<ToolOutput, FileError> {
    let size = bytes.len();
    let Some(ImageContent { mime_type, data }) = image(bytes) else {
        return Err(FileError::LargeImage { path: path.to_owned(), size, limit: LARGEST_IMAGE });
    };
    let line = format!("`{path}`: {media_type}, {size} bytes");
    Ok(ToolOutput::done(line).with_image(mime_type, data))
}
