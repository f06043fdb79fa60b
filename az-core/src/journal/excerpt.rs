//! The part of a tool result that the fold keeps.

use crate::content::{ContentPart, ImageContent, describe};
use crate::text::Excerpt;

/// The part of a tool result's text that the fold keeps, in bytes; the journal has all of it. It is
/// more than a model is usually shown, for agents that process results themselves.
const KEPT: usize = 64 << 10;

/// The part of a result's images that the fold keeps, in bytes of base64; the journal has all of
/// them. Providers accept no larger images.
const IMAGES_KEPT: usize = 8 << 20;

/// Returns the part of a result that the fold keeps.
pub(super) fn excerpt(content: &[ContentPart]) -> (Excerpt, Vec<ImageContent>) {
    if let [] | [ContentPart::Text { .. }] = content {
        return (Excerpt::of(&describe(content), KEPT), Vec::new());
    }
    let mut images = Vec::new();
    let mut room = IMAGES_KEPT;
    let mut texts = Vec::new();
    for part in content {
        match part {
            ContentPart::Image(image) if image.data.len() <= room => {
                room -= image.data.len();
                images.push(image.clone());
            }
            ContentPart::Text { .. } | ContentPart::Image(_) | ContentPart::ResourceLink { .. } => {
                texts.push(part.describe());
            }
        }
    }
    (Excerpt::of(&texts.join("\n"), KEPT), images)
}
