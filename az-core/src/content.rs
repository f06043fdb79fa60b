//! Content parts: text, images and links to resources.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::text::plural;

/// One part of a tool's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ContentPart {
    /// Text for the model.
    Text {
        /// The text.
        text: String,
    },
    /// An image for models that take images.
    Image(ImageContent),
    /// A link to something that is not included.
    ResourceLink {
        /// The address.
        uri: String,
        /// A name, for display.
        name: String,
        /// The media type, such as `text/csv`, if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        mime_type: Option<String>,
        /// A description, if known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        description: Option<String>,
    },
}

/// An image with its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ImageContent {
    /// The media type, such as `image/png`.
    pub mime_type: String,
    /// The bytes, in base64 with padding.
    pub data: String,
}

impl ImageContent {
    /// Returns the size of the decoded image, in bytes.
    pub fn bytes(&self) -> usize {
        let padding = self.data.bytes().rev().take_while(|byte| *byte == b'=').count();
        (self.data.len() / 4 * 3).saturating_sub(padding)
    }

    /// Returns a line that replaces the image where it cannot be shown.
    pub fn describe(&self) -> String {
        format!("[image {}, {}]", self.mime_type, plural(self.bytes(), "byte"))
    }
}

impl ContentPart {
    /// Creates a text part.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text { text: text.into() }
    }

    /// Creates an image part from its media type and its bytes in base64.
    pub fn image(mime_type: impl Into<String>, data: impl Into<String>) -> Self {
        Self::Image(ImageContent { mime_type: mime_type.into(), data: data.into() })
    }

    /// Creates a link to a resource.
    pub fn link(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self::ResourceLink {
            uri: uri.into(),
            name: name.into(),
            mime_type: None,
            description: None,
        }
    }

    /// Returns the part as text. A part that is not text becomes a line that names it.
    pub fn describe(&self) -> Cow<'_, str> {
        match self {
            Self::Text { text } => Cow::Borrowed(text),
            Self::Image(image) => Cow::Owned(image.describe()),
            Self::ResourceLink { uri, name, mime_type, description } => {
                let mut line = format!("[resource {name}: {uri}");
                for more in [mime_type, description].into_iter().flatten() {
                    line.push_str(", ");
                    line.push_str(more);
                }
                line.push(']');
                Cow::Owned(line)
            }
        }
    }
}

/// Returns parts as text, with a line for each part that is not text.
pub fn describe(parts: &[ContentPart]) -> Cow<'_, str> {
    match parts {
        [] => Cow::Borrowed(""),
        [one] => one.describe(),
        many => Cow::Owned(many.iter().map(ContentPart::describe).collect::<Vec<_>>().join("\n")),
    }
}

/// Returns the text parts, joined by line ends.
pub fn text_of(parts: &[ContentPart]) -> Cow<'_, str> {
    let mut texts = parts.iter().filter_map(|part| match part {
        ContentPart::Text { text } => Some(text.as_str()),
        ContentPart::Image(_) | ContentPart::ResourceLink { .. } => None,
    });
    match (texts.next(), texts.next()) {
        (None, _) => Cow::Borrowed(""),
        (Some(only), None) => Cow::Borrowed(only),
        (Some(first), Some(second)) => {
            let all = [first, second].into_iter().chain(texts);
            Cow::Owned(all.collect::<Vec<_>>().join("\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{ContentPart, describe, text_of};

    #[test]
    fn parts_that_are_not_text_become_lines_that_name_them() {
        let parts = [
            ContentPart::text("one"),
            ContentPart::image("image/png", "aGVsbG8="),
            ContentPart::link("file:///a.csv", "a.csv"),
            ContentPart::text("two"),
        ];
        let expected = "one\n[image image/png, 5 bytes]\n[resource a.csv: file:///a.csv]\ntwo";
        assert_eq!(describe(&parts), expected);
        assert_eq!(text_of(&parts), "one\ntwo");
        assert_eq!((describe(&[]), text_of(&[])), ("".into(), "".into()));
    }
}
