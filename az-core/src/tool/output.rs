//! What a call returned, and what is known of one that was interrupted.

use serde_json::Value;

/// What a tool returned.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ToolOutput {
    /// Whether the tool did what was asked.
    pub ok: bool,
    /// What the model is shown. Never a secret.
    pub text: String,
    /// The same as data, where the tool returns data.
    pub data: Option<Value>,
}

impl ToolOutput {
    /// Creates the output of a call that succeeded.
    pub fn done(text: impl Into<String>) -> Self {
        Self { ok: true, text: text.into(), data: None }
    }

    /// Creates the output of a call that failed.
    pub fn failed(text: impl Into<String>) -> Self {
        Self { ok: false, text: text.into(), data: None }
    }

    /// Sets the data.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
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
