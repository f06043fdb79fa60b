//! What a model supports.

use serde::{Deserialize, Serialize};

use crate::chat::ChatRequest;
use crate::error::{Error, Result};

/// The shortest useful reply, in tokens: a thought and a tool call with its arguments take about as
/// much.
pub(crate) const SHORTEST_REPLY: u32 = 256;

/// What a model supports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Capabilities {
    /// Native tool calls, as opposed to calls in the reply's text.
    pub tools: bool,
    /// Streamed replies.
    pub streaming: bool,
    /// Image input.
    pub vision: bool,
    /// Structured output: replies that follow a JSON Schema.
    pub formats: bool,
    /// The client processes tool results itself, and gets all of each rather than an excerpt.
    pub whole_results: bool,
    /// Its steps are planned in advance: repeated calls are intended.
    pub has_planned_steps: bool,
    /// The context window: the most tokens of a request and its reply together, where known.
    pub context_window: Option<u64>,
    /// The most tokens of a reply, where known.
    pub max_output: Option<u64>,
}

impl Capabilities {
    /// Tools, streaming, image input and structured output; limits unknown.
    pub const FULL: Self =
        Self { tools: true, streaming: true, vision: true, formats: true, ..Self::TEXT };
    /// Text only; limits unknown.
    pub const TEXT: Self = Self {
        tools: false,
        streaming: false,
        vision: false,
        formats: false,
        whole_results: false,
        has_planned_steps: false,
        context_window: None,
        max_output: None,
    };

    /// Sets the context window, in tokens.
    #[must_use]
    pub const fn with_context_window(mut self, tokens: u64) -> Self {
        self.context_window = Some(tokens);
        self
    }

    /// Sets the maximum of output tokens.
    #[must_use]
    pub const fn with_max_output(mut self, tokens: u64) -> Self {
        self.max_output = Some(tokens);
        self
    }

    /// Adds support for whole tool results.
    #[must_use]
    pub const fn with_whole_results(mut self) -> Self {
        self.whole_results = true;
        self
    }

    /// Adds planned steps.
    #[must_use]
    pub const fn with_planned_steps(mut self) -> Self {
        self.has_planned_steps = true;
        self
    }

    /// Removes support for tool calls.
    #[must_use]
    pub const fn without_tools(mut self) -> Self {
        self.tools = false;
        self
    }

    /// Removes support for image input.
    #[must_use]
    pub const fn without_vision(mut self) -> Self {
        self.vision = false;
        self
    }

    /// Removes support for structured output.
    #[must_use]
    pub const fn without_formats(mut self) -> Self {
        self.formats = false;
        self
    }

    /// Removes support for streaming.
    #[must_use]
    pub const fn without_streaming(mut self) -> Self {
        self.streaming = false;
        self
    }

    /// Returns the capabilities that both have, with the smaller limits.
    #[must_use]
    pub fn intersect(self, other: Self) -> Self {
        let least = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (known, None) | (None, known) => known,
        };
        Self {
            tools: self.tools && other.tools,
            streaming: self.streaming && other.streaming,
            vision: self.vision && other.vision,
            formats: self.formats && other.formats,
            whole_results: self.whole_results && other.whole_results,
            has_planned_steps: self.has_planned_steps && other.has_planned_steps,
            context_window: least(self.context_window, other.context_window),
            max_output: least(self.max_output, other.max_output),
        }
    }

    /// Returns how many tokens of a window are kept for a reply that would be allowed more: a
    /// quarter, and at least the shortest useful reply.
    pub(crate) fn least_reply(window: u64) -> u64 {
        (window / 4).max(SHORTEST_REPLY.into())
    }

    /// Checks that a request needs no missing capability, for clause 5.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] when it does.
    pub fn check(&self, provider: &str, request: &ChatRequest) -> Result<()> {
        let unsupported =
            |reason: String| Error::Unsupported { provider: provider.to_owned(), reason };
        if !self.tools && !request.tools.is_empty() {
            let model = &request.model;
            return Err(unsupported(format!("{model} does not support tools")));
        }
        if !self.vision && request.images().next().is_some() {
            return Err(unsupported(format!("{} does not support image input", request.model)));
        }
        if !self.formats && request.format.is_some() {
            let model = &request.model;
            return Err(unsupported(format!("{model} does not support structured output")));
        }
        match self.max_output {
            Some(most) if u64::from(request.max_tokens) > most => Err(unsupported(format!(
                "replies of {} have at most {most} tokens; {} were asked for",
                request.model, request.max_tokens
            ))),
            _ => Ok(()),
        }
    }
}
