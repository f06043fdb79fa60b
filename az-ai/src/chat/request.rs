//! What is asked of a model.

use std::sync::Arc;

use az_core::ToolSpec;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::message::{Image, Message};

/// The temperature when nobody says otherwise.
pub const DEFAULT_TEMPERATURE: f32 = 0.7;
/// The longest answer, in tokens, when nobody says otherwise.
pub const DEFAULT_MAX_TOKENS: u32 = 2048;

/// A request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChatRequest {
    /// The model, by the provider's name.
    pub model: String,
    /// The conversation so far.
    pub messages: Vec<Message>,
    /// The tools that the model may ask for, in an order that stays the same from call to call,
    /// because providers cache by prefix.
    ///
    /// Shared, because a conversation is offered the same tools at every step.
    #[serde(default, with = "az_core::serde_arc")]
    pub tools: Arc<[ToolDefinition]>,
    /// Whether it must, may or may not ask for one.
    #[serde(default)]
    pub tool_choice: ToolChoice,
    /// How freely it chooses its words; the provider's own default when absent.
    #[serde(default)]
    pub temperature: Option<f32>,
    /// The longest answer, in tokens.
    pub max_tokens: u32,
    /// Texts that end the answer where they would begin.
    #[serde(default)]
    pub stop: Vec<String>,
    /// The shape of the answer; free text when absent.
    #[serde(default)]
    pub format: Option<ReplyFormat>,
    /// How much it is to think; the provider's own default when absent.
    #[serde(default)]
    pub effort: Option<Effort>,
}

/// An answer that is JSON of a given shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReplyFormat {
    /// A name for the shape: letters, digits, `_` and `-`.
    pub name: String,
    /// A JSON Schema of it, an object at its top.
    pub schema: Value,
}

/// How much a model is to think before it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// Not at all, where the model can be kept from it.
    None,
    /// A little.
    Low,
    /// Some.
    Medium,
    /// A lot.
    High,
}

/// A tool as it is shown to a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ToolDefinition {
    /// Its name, such as `filesystem.read`; providers that allow fewer characters map it.
    pub name: String,
    /// What it does and when to use it.
    pub description: String,
    /// A JSON Schema of its arguments.
    #[serde(with = "az_core::serde_arc")]
    pub schema: Arc<Value>,
}

/// Whether the model must, may or may not ask for a tool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// As it sees fit.
    #[default]
    Auto,
    /// No tool.
    None,
    /// Some tool.
    Required,
    /// This one.
    Tool(String),
}

impl ToolDefinition {
    /// Creates a definition.
    pub fn new(
        name: impl Into<String>,
        description: impl Into<String>,
        schema: impl Into<Arc<Value>>,
    ) -> Self {
        Self { name: name.into(), description: description.into(), schema: schema.into() }
    }
}

impl From<&ToolSpec> for ToolDefinition {
    fn from(spec: &ToolSpec) -> Self {
        Self {
            name: spec.name.clone(),
            description: spec.description.clone(),
            schema: Arc::clone(&spec.input_schema),
        }
    }
}

impl ChatRequest {
    /// Returns a request with defaults for all but the model and the conversation.
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
        }
    }

    /// Returns a request that says one thing.
    pub fn prompt(model: impl Into<String>, prompt: impl Into<String>) -> Self {
        Self::new(model, vec![Message::user(prompt)])
    }

    /// Returns the request with tools.
    #[must_use]
    pub fn with_tools(mut self, tools: impl Into<Arc<[ToolDefinition]>>) -> Self {
        self.tools = tools.into();
        self
    }

    /// Returns the request with a choice of tools.
    #[must_use]
    pub fn with_tool_choice(mut self, choice: ToolChoice) -> Self {
        self.tool_choice = choice;
        self
    }

    /// Returns the request with a temperature, or the provider's own.
    #[must_use]
    pub const fn with_temperature(mut self, temperature: Option<f32>) -> Self {
        self.temperature = temperature;
        self
    }

    /// Returns the request with a longest answer.
    #[must_use]
    pub const fn with_max_tokens(mut self, max_tokens: u32) -> Self {
        self.max_tokens = max_tokens;
        self
    }

    /// Returns the request with a shape of the answer.
    #[must_use]
    pub fn with_format(mut self, format: ReplyFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// Returns the request with a measure of thought.
    #[must_use]
    pub const fn with_effort(mut self, effort: Option<Effort>) -> Self {
        self.effort = effort;
        self
    }

    /// Returns the text of the last user message; empty when there is none.
    pub fn last_user_text(&self) -> &str {
        let mut texts = self.messages.iter().rev().filter_map(|message| match message {
            Message::User { text, .. } => Some(text.as_str()),
            _ => None,
        });
        texts.next().unwrap_or_default()
    }

    /// Returns the pictures in the conversation.
    pub fn images(&self) -> impl Iterator<Item = &Image> {
        self.messages.iter().flat_map(Message::images)
    }

    /// Returns the request with texts that end the answer.
    #[must_use]
    pub fn with_stop(mut self, stop: Vec<String>) -> Self {
        self.stop = stop;
        self
    }
}
