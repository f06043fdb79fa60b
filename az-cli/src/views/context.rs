//! Decisions about how the requests of a task are built.

use az_core::journal::{ContextChange, ContextCut, ModelChoice, Protocol};
use schemars::JsonSchema;
use serde::Serialize;

/// A decision about the requests that follow it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "change", rename_all = "snake_case")]
#[non_exhaustive]
pub enum ContextChangeView<'a> {
    /// The prompt was rendered: its parts, without their text.
    Prompt {
        /// How models that get this prompt call tools.
        protocol: Protocol,
        /// The SHA-256 of the prompt, in hexadecimal digits.
        digest: String,
        /// The size of the system text.
        system_bytes: usize,
        /// The names of the tools, in the order in which they are sent.
        tools: Vec<&'a str>,
    },
    /// Tools appeared after the prompt was rendered.
    ToolsAdded {
        /// Their names.
        tools: &'a [String],
        /// The text that describes them for the model.
        text: &'a str,
    },
    /// Results of tools were cut, and the arguments of their calls.
    Cut(&'a ContextCut),
    /// The model of the task was chosen.
    Model(&'a ModelChoice),
}

impl<'a> From<&'a ContextChange> for ContextChangeView<'a> {
    fn from(change: &'a ContextChange) -> Self {
        match change {
            ContextChange::Prompt(prompt) => Self::Prompt {
                protocol: prompt.protocol,
                digest: prompt.digest(),
                system_bytes: prompt.system.len(),
                tools: prompt.tools.iter().map(|tool| tool.name.as_str()).collect(),
            },
            ContextChange::ToolsAdded { tools, text } => Self::ToolsAdded { tools, text },
            ContextChange::Cut(cut) => Self::Cut(cut),
            ContextChange::Model(choice) => Self::Model(choice),
        }
    }
}
