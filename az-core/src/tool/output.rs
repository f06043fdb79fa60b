//! What a call returned, and what is known of one that was interrupted.

use std::borrow::Cow;

use serde_json::Value;

use crate::content::{ContentPart, text_of};

/// What a tool returned.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct ToolOutput {
    /// Whether the tool did what was asked.
    pub ok: bool,
    /// What the model is shown. Never a secret.
    pub content: Vec<ContentPart>,
    /// The same as data, where the tool returns data.
    pub data: Option<Value>,
}

impl ToolOutput {
    /// Creates the output of a call that succeeded; without content if the text is empty.
    pub fn done(text: impl Into<String>) -> Self {
        Self::new(true, text.into())
    }

    /// Creates the output of a call that failed.
    pub fn failed(text: impl Into<String>) -> Self {
        Self::new(false, text.into())
    }

    fn new(ok: bool, text: String) -> Self {
        let content = if text.is_empty() { Vec::new() } else { vec![ContentPart::Text { text }] };
        Self { ok, content, data: None }
    }

    /// Sets whether the tool did what was asked.
    #[must_use]
    pub const fn with_ok(mut self, ok: bool) -> Self {
        self.ok = ok;
        self
    }

    /// Adds a part.
    #[must_use]
    pub fn with_part(mut self, part: ContentPart) -> Self {
        self.content.push(part);
        self
    }

    /// Adds an image of its media type and its bytes in base64.
    #[must_use]
    pub fn with_image(self, mime_type: impl Into<String>, data: impl Into<String>) -> Self {
        self.with_part(ContentPart::image(mime_type, data))
    }

    /// Sets the data.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    /// Returns the text parts, joined by line ends.
    pub fn text(&self) -> Cow<'_, str> {
        text_of(&self.content)
    }
}

/// What a tool knows of a call that was interrupted.
#[derive(Debug, Clone, PartialEq)]
pub enum Probed {
    /// The call took effect; this is what it would have returned.
    Happened(ToolOutput),
    /// The call did not take effect: it can be made.
    DidNotHappen,
    /// The tool cannot find out.
    Unknown,
}
