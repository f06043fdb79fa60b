//! The part of a step's requests that all candidates have in common.

use std::sync::Arc;

use az_core::Run;
use az_core::tool::OUTPUT_READ;

use super::loop_guard::Repeats;
use super::options::ReActOptions;
use super::prompt::{Protocol, system};
use super::transcript::{Detail, Images, Omissions, View, build};
use crate::chat::ToolDefinition;
use crate::client::Capabilities;
use crate::estimate;

/// The part of a step's requests that all candidates have in common.
#[derive(Debug)]
pub(super) struct PromptContext<'a> {
    pub(super) initial_thought: &'a str,
    pub(super) tools: Arc<[ToolDefinition]>,
    pub(super) options: &'a ReActOptions,
}

impl<'a> PromptContext<'a> {
    pub(super) const fn new(
        tools: Arc<[ToolDefinition]>,
        initial_thought: &'a str,
        options: &'a ReActOptions,
    ) -> Self {
        Self { initial_thought, tools, options }
    }

    /// Returns the estimated tokens of the transcript and the tools, before a candidate is chosen.
    pub(super) fn tokens(&self, run: &Run) -> u64 {
        let view = view(Capabilities::FULL, self.options);
        let messages = build(self.system(run, view.protocol), run.task(), run.history(), view);
        estimate::messages(&messages).saturating_add(estimate::tools(&self.tools))
    }

    /// Returns whether the model can read what is left out of results.
    pub(super) fn omissions(&self) -> Omissions {
        match self.tools.iter().any(|tool| tool.name == OUTPUT_READ) {
            true => Omissions::Readable,
            false => Omissions::Lost,
        }
    }

    /// Returns the system prompt.
    pub(super) fn system(&self, run: &Run, protocol: Protocol) -> String {
        system(run.task(), self.initial_thought, &self.tools, protocol, self.options)
    }
}

/// Returns the view of the journal for a model with these capabilities.
pub(super) const fn view(capabilities: Capabilities, options: &ReActOptions) -> View {
    View {
        protocol: if capabilities.tools { Protocol::Native } else { Protocol::Text },
        detail: Detail { longest: longest(capabilities, options), shrunk: None },
        repeats: repeated(capabilities),
        images: match (capabilities.vision, capabilities.tools) {
            (true, true) => Images::Shown,
            // In the text protocol, results are part of a user message without images.
            (false, _) | (true, false) => Images::Named,
        },
        omissions: Omissions::Lost,
    }
}

/// Returns the maximum of a tool result that the model sees, in bytes.
pub(super) const fn longest(capabilities: Capabilities, options: &ReActOptions) -> usize {
    if capabilities.whole_results { usize::MAX } else { options.longest_result }
}

/// Returns the meaning of repeated calls.
pub(super) const fn repeated(capabilities: Capabilities) -> Repeats {
    if capabilities.has_planned_steps { Repeats::Meant } else { Repeats::Noted }
}
