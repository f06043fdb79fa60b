//! The messages of a conversation.

use az_core::content::ImageContent;
use az_core::journal::{ModelReply, ToolOutcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// Instructions to the model.
    System {
        /// The text.
        text: String,
    },
    /// A message of the user, or of the program that acts for the user.
    User {
        /// The text.
        text: String,
        /// The attached images.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<Image>,
    },
    /// A text that a person sent while the task waited or ran. Models get it as a message of the user.
    Hint {
        /// The text.
        text: String,
    },
    /// A summary that replaces earlier turns.
    Summary {
        /// The number of model turns that it replaces.
        turns: usize,
        /// The summary.
        text: String,
    },
    /// Marks that the task was resumed here, after it had ended or was interrupted.
    Resumed {
        /// The text.
        text: String,
    },
    /// A reply of the model.
    Assistant {
        /// The complete reply.
        reply: ModelReply,
    },
    /// The result of a tool call.
    Tool(ToolMessage),
}

/// An image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Image {
    /// The image's data.
    Inline {
        /// The media type, such as `image/png`.
        media_type: String,
        /// The bytes in base64, with padding.
        data: String,
    },
    /// A URL from which the provider loads the image.
    Url(String),
}

/// The result of a tool call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolMessage {
    /// The provider's id of the call, from the reply that asked for it.
    pub call_id: String,
    /// The name of the tool.
    pub tool: String,
    /// The outcome of the call.
    pub outcome: ToolOutcome,
    /// The output, as far as the model is shown it.
    pub text: String,
    /// The number of bytes that the model is not shown.
    #[serde(default)]
    pub omitted: usize,
    /// The returned images, for a model that takes images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// The same result as JSON, if the tool returns JSON and it is small. No wire sends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl From<ImageContent> for Image {
    fn from(image: ImageContent) -> Self {
        Self::Inline { media_type: image.mime_type, data: image.data }
    }
}

impl Message {
    /// Returns the attached images.
    pub fn images(&self) -> &[Image] {
        match self {
            Self::User { images, .. } | Self::Tool(ToolMessage { images, .. }) => images,
            Self::System { .. }
            | Self::Hint { .. }
            | Self::Summary { .. }
            | Self::Resumed { .. }
            | Self::Assistant { .. } => &[],
        }
    }

    /// Returns a system message.
    pub fn system(text: impl Into<String>) -> Self {
        Self::System { text: text.into() }
    }

    /// Returns a user's message.
    pub fn user(text: impl Into<String>) -> Self {
        Self::User { text: text.into(), images: Vec::new() }
    }

    /// Returns a user's message with images.
    pub fn user_with_images(text: impl Into<String>, images: Vec<Image>) -> Self {
        Self::User { text: text.into(), images }
    }

    /// Returns a model's reply.
    pub const fn assistant(reply: ModelReply) -> Self {
        Self::Assistant { reply }
    }

    /// Returns the result of a successful call.
    pub fn tool(
        call_id: impl Into<String>,
        tool: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        Self::tool_with_images(call_id, tool, text, Vec::new())
    }

    /// Returns the result of a successful call with images.
    pub fn tool_with_images(
        call_id: impl Into<String>,
        tool: impl Into<String>,
        text: impl Into<String>,
        images: Vec<Image>,
    ) -> Self {
        Self::Tool(ToolMessage {
            call_id: call_id.into(),
            tool: tool.into(),
            outcome: ToolOutcome::Done,
            text: text.into(),
            omitted: 0,
            images,
            data: None,
        })
    }
}

impl ToolMessage {
    /// Whether the call failed or its outcome is unknown.
    pub const fn is_error(&self) -> bool {
        !matches!(self.outcome, ToolOutcome::Done)
    }

    /// Returns the result as text, for wires that have no field for the outcome.
    pub fn told(&self) -> String {
        let text = &self.text;
        match self.outcome {
            ToolOutcome::Done | ToolOutcome::Unknown => text.clone(),
            ToolOutcome::Failed => format!("failed: {text}"),
            ToolOutcome::Refused => format!("not called: {text}"),
        }
    }
}
