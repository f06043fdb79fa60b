//! One entry of a conversation.

use az_core::content::ImageContent;
use az_core::journal::{ModelReply, ToolOutcome};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One entry of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    /// What the model is told about itself and its surroundings.
    System {
        /// What.
        text: String,
    },
    /// What a person, or the program in their place, says.
    User {
        /// What.
        text: String,
        /// What they show.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        images: Vec<Image>,
    },
    /// What stands for earlier turns that were left out.
    Summary {
        /// How many of the model's turns it stands for.
        turns: usize,
        /// What they came to.
        text: String,
    },
    /// Says that the task was taken up again here, after it had ended or was interrupted.
    Resumed {
        /// In words.
        text: String,
    },
    /// What the model said.
    Assistant {
        /// All of it.
        reply: ModelReply,
    },
    /// What a tool returned.
    Tool(ToolMessage),
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Image {
    /// The picture itself.
    Inline {
        /// What sort it is, such as `image/png`.
        media_type: String,
        /// Its bytes, in base64 with padding.
        data: String,
    },
    /// Where it is to be found by the provider.
    Url(String),
}

/// What a tool returned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolMessage {
    /// The provider's id of the call, from the reply that asked for it.
    pub call_id: String,
    /// The tool.
    pub tool: String,
    /// What it did.
    pub outcome: ToolOutcome,
    /// What it returned, as far as the model is shown it.
    pub text: String,
    /// How many bytes of it the model is not shown.
    #[serde(default)]
    pub omitted: usize,
    /// The images that it returned, for a model that takes images.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
    /// The same as data, where the tool returns data and it is small. No wire has a place for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
}

impl From<ImageContent> for Image {
    fn from(image: ImageContent) -> Self {
        Self::Inline { media_type: image.mime_type, data: image.data }
    }
}

impl Message {
    /// Returns the images that it shows.
    pub fn images(&self) -> &[Image] {
        match self {
            Self::User { images, .. } | Self::Tool(ToolMessage { images, .. }) => images,
            Self::System { .. }
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

    /// Returns a user's message that shows something.
    pub fn user_with_images(text: impl Into<String>, images: Vec<Image>) -> Self {
        Self::User { text: text.into(), images }
    }

    /// Returns a model's turn.
    pub const fn assistant(reply: ModelReply) -> Self {
        Self::Assistant { reply }
    }

    /// Returns the result of a call that did what was asked.
    pub fn tool(
        call_id: impl Into<String>,
        tool: impl Into<String>,
        text: impl Into<String>,
    ) -> Self {
        Self::tool_with_images(call_id, tool, text, Vec::new())
    }

    /// Returns the result of a call that did what was asked and returned images.
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
    /// Whether the tool did not do what it was asked to, or nobody knows.
    pub const fn is_error(&self) -> bool {
        !matches!(self.outcome, ToolOutcome::Done)
    }

    /// Returns the result in words, for wires that have no place for its outcome.
    pub fn told(&self) -> String {
        let text = &self.text;
        match self.outcome {
            ToolOutcome::Done | ToolOutcome::Unknown => text.clone(),
            ToolOutcome::Failed => format!("failed: {text}"),
            ToolOutcome::Refused => format!("not called: {text}"),
        }
    }
}
