//! The output of a call, and the result of probing an interrupted one.

use std::borrow::Cow;

use serde_json::Value;

use super::seen::SeenFile;
use crate::content::{ContentPart, text_of};

/// The output of a tool.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct ToolOutput {
    /// Whether the tool succeeded.
    pub ok: bool,
    /// Whether the effect of the call is unknown: it was cut short, or it failed after it may have
    /// changed something. Such an output is not `ok`.
    pub unknown: bool,
    /// The content for the model. Never a secret.
    pub content: Vec<ContentPart>,
    /// The output as structured data, if the tool returns it.
    pub data: Option<Value>,
    /// What the call showed of files, or wrote to them.
    pub seen: Vec<SeenFile>,
}

impl ToolOutput {
    /// Creates the output of a successful call; without content if the text is empty.
    pub fn done(text: impl Into<String>) -> Self {
        Self::new(true, text.into())
    }

    /// Creates the output of a failed call.
    pub fn failed(text: impl Into<String>) -> Self {
        Self::new(false, text.into())
    }

    /// Creates the output of a call whose effect is unknown, such as one that was stopped while it
    /// ran. The text says so, and contains what the call printed until then.
    pub fn unknown(text: impl Into<String>) -> Self {
        Self { unknown: true, ..Self::failed(text) }
    }

    fn new(ok: bool, text: String) -> Self {
        let content = if text.is_empty() { Vec::new() } else { vec![ContentPart::Text { text }] };
        Self { ok, unknown: false, content, data: None, seen: Vec::new() }
    }

    /// Sets whether the tool succeeded.
    #[must_use]
    pub const fn with_ok(mut self, ok: bool) -> Self {
        self.ok = ok;
        self
    }

    /// Sets whether the effect of the call is unknown.
    #[must_use]
    pub const fn with_unknown(mut self, unknown: bool) -> Self {
        self.unknown = unknown;
        self
    }

    /// Adds a content part.
    #[must_use]
    pub fn with_part(mut self, part: ContentPart) -> Self {
        self.content.push(part);
        self
    }

    /// Adds an image from its media type and its bytes in base64.
    #[must_use]
    pub fn with_image(self, mime_type: impl Into<String>, data: impl Into<String>) -> Self {
        self.with_part(ContentPart::image(mime_type, data))
    }

    /// Sets the structured data.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }

    /// Adds what the call showed of a file, or wrote to it.
    #[must_use]
    pub fn with_seen(mut self, seen: SeenFile) -> Self {
        self.seen.push(seen);
        self
    }

    /// Returns the text parts, joined by line ends.
    pub fn text(&self) -> Cow<'_, str> {
        text_of(&self.content)
    }
}

/// The result of probing an interrupted call.
#[derive(Debug, Clone, PartialEq)]
pub enum Probed {
    /// The call took effect; this is its output.
    Happened(ToolOutput),
    /// The call did not take effect, and can be made.
    DidNotHappen,
    /// The tool cannot find out.
    Unknown,
}
