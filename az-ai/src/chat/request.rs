//! Requests to a model.

use std::sync::Arc;

use az_core::task::ReasoningEffort;
pub use az_core::tool::ToolDefinition;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cache_hints::CacheHints;
use super::message::{Image, Message};

/// The default temperature.
pub const DEFAULT_TEMPERATURE: f32 = 0.7;
/// The default maximum of output tokens.
pub const DEFAULT_MAX_TOKENS: u32 = 2048;

/// A request to a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The model, by the provider's name.
    pub model: String,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// The tools that the model may call, in an order that stays the same from call to call,
    /// because providers cache by prefix.
    ///
    /// Shared, because every step of a conversation sends the same tools.
    #[serde(default, with = "az_core::serde_arc")]
    pub tools: Arc<[ToolDefinition]>,
    /// Whether the model may, must or must not call a tool.
    #[serde(default)]
    pub tool_choice: ToolChoice,
    /// The sampling temperature; the provider's default when absent.
    #[serde(default)]
    pub temperature: Option<f32>,
    /// The maximum of output tokens.
    pub max_tokens: u32,
    /// Stop sequences; none of them is part of the reply.
    #[serde(default)]
    pub stop: Vec<String>,
    /// The format of structured output; free text when absent.
    #[serde(default)]
    pub format: Option<ReplyFormat>,
    /// The reasoning effort; the provider's default when absent.
    #[serde(default)]
    pub effort: Option<Effort>,
    /// How the request uses the provider's cache.
    #[serde(default, skip_serializing_if = "CacheHints::is_empty")]
    pub cache: CacheHints,
}

/// A JSON format for structured output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplyFormat {
    /// The name of the format: letters, digits, `_` and `-`.
    pub name: String,
    /// The JSON Schema of the output, with an object at the top.
    pub schema: Value,
}

/// The reasoning effort of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// No reasoning, where the model allows it.
    None,
    /// Little reasoning.
    Low,
    /// Medium effort.
    Medium,
    /// High effort.
    High,
}

impl From<ReasoningEffort> for Effort {
    fn from(effort: ReasoningEffort) -> Self {
        match effort {
            ReasoningEffort::Low => Self::Low,
            ReasoningEffort::Medium => Self::Medium,
            ReasoningEffort::High => Self::High,
        }
    }
}

/// Whether the model may, must or must not call a tool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// The model decides.
    #[default]
    Auto,
    /// No tool may be called.
    None,
    /// At least one tool must be called.
    Required,
    /// The named tool must be called.
    Tool(String),
}

impl ChatRequest {
    /// Creates a request with defaults for everything but the model and the conversation.
    pub fn new(model: impl Into<String>, messages: Vec<Message>) -> Self {
        Self {
            model: model.into(),
            messages,
            tools: Arc::default(),
            tool_choice: ToolChoice::Auto,
            temperature: Some(DEFAULT_TEMPERATURE),
            max_tokens: DEFAULT_MAX_TOKENS,
            stop: Vec::new(),
            format: None,
            effort: None,
            cache: CacheHints::default(),
        }
    }

    /// Creates a request with one user message.
    pub fn prompt(model: impl Into<String>, prompt: impl Into<String>) -> Self {
        Self::new(model, vec![Message::user(prompt)])
    }

    /// Returns the request with tools.
    #[must_use]
    pub fn with_tools(mut self, tools: impl Into<Arc<[ToolDefinition]>>) -> Self {
        self.tools = tools.into();
        self
    }

    /// Returns the request with a tool choice.
    #[must_use]
    pub fn with_tool_choice(mut self, choice: ToolChoice) -> Self {
        self.tool_choice = choice;
        self
    }

    /// Returns the request with a temperature; `None` is the provider's default.
    #[must_use]
    pub const fn with_temperature(mut self, temperature: Option<f32>) -> Self {
        self.temperature = temperature;
        self
    }

    /// Returns the request with a maximum of output tokens.
    #[must_use]
    pub const fn with_max_tokens(mut self, max_tokens: u32) -> Self {
        self.max_tokens = max_tokens;
        self
    }

    /// Returns the request with a format for structured output.
    #[must_use]
    pub fn with_format(mut self, format: ReplyFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Returns the request with a reasoning effort.
    #[must_use]
    pub const fn with_effort(mut self, effort: Option<Effort>) -> Self {
        self.effort = effort;
        self
    }

    /// Returns the request with hints about its use of the provider's cache.
    #[must_use]
    pub fn with_cache(mut self, cache: CacheHints) -> Self {
        self.cache = cache;
        self
    }

    /// Returns the text of the last user message; empty when there is none.
    pub fn last_user_text(&self) -> &str {
        let mut texts = self.messages.iter().rev().filter_map(|message| match message {
            Message::User { text, .. } | Message::Hint { text } => Some(text.as_str()),
            _ => None,
        });
        texts.next().unwrap_or_default()
    }

    /// Returns the images in the conversation.
    pub fn images(&self) -> impl Iterator<Item = &Image> {
        self.messages.iter().flat_map(Message::images)
    }

    /// Returns the request with stop sequences.
    #[must_use]
    pub fn with_stop(mut self, stop: Vec<String>) -> Self {
        self.stop = stop;
        self
    }
}
