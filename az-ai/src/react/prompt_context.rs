//! The part of a step's requests that all candidates have in common.

use std::sync::Arc;

use az_core::Run;
use az_core::tool::OUTPUT_READ;

use super::loop_guard::Repeats;
use super::options::ReActOptions;
use super::prompt::{Protocol, system};
use super::result_limits::ResultLimits;
use super::transcript::{Images, Omissions, View, build};
use crate::chat::ToolDefinition;
use crate::client::Capabilities;
use crate::estimate;

/// The part of a step's requests that all candidates have in common.
#[derive(Debug)]
pub(super) struct PromptContext<'a> {
    pub(super) initial_thought: &'a str,
    /// The tools in the prompt: those that were recorded, or the present ones if none were.
    pub(super) tools: Arc<[ToolDefinition]>,
    /// The present tools.
    pub(super) available: Arc<[ToolDefinition]>,
    pub(super) options: &'a ReActOptions,
    /// Whether the next request is likely to follow after a pause of several minutes.
    pub(super) expects_pause: bool,
}

impl<'a> PromptContext<'a> {
    pub(super) fn new(
        run: &Run,
        available: Arc<[ToolDefinition]>,
        initial_thought: &'a str,
        options: &'a ReActOptions,
    ) -> Self {
        let recorded = run.history().context.prompts.first();
        let tools = Arc::clone(recorded.map_or(&available, |prompt| &prompt.tools));
        Self { initial_thought, tools, available, options, expects_pause: false }
    }

    /// Returns the tools that calls may name: those in the prompt, and those that appeared later.
    pub(super) fn callable(&self) -> Arc<[ToolDefinition]> {
        if Arc::ptr_eq(&self.tools, &self.available) {
            return Arc::clone(&self.tools);
        }
        let is_new = |tool: &&ToolDefinition| self.tools.iter().all(|old| old.name != tool.name);
        let later = self.available.iter().filter(is_new);
        self.tools.iter().chain(later).cloned().collect()
    }

    /// Returns the estimated tokens of the transcript and the tools, before a candidate is chosen.
    pub(super) fn tokens(&self, run: &Run) -> u64 {
        let view = view(("", ""), Capabilities::FULL, self.options);
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

    /// Returns the system text: the recorded one, or a new one if none is recorded.
    pub(super) fn system(&self, run: &Run, protocol: Protocol) -> String {
        if let Some(prompt) = run.history().context.prompt(protocol) {
            return prompt.system.clone();
        }
        system(run.task(), self.initial_thought, &self.tools, protocol, self.options)
    }
}

/// Returns the view of the journal for a model with these capabilities.
pub(super) fn view<'a>(
    model: (&'a str, &'a str),
    capabilities: Capabilities,
    options: &ReActOptions,
) -> View<'a> {
    View {
        protocol: protocol(capabilities),
        limits: limits(capabilities, options),
        model,
        planned: None,
        repeats: repeated(capabilities),
        images: match (capabilities.vision, capabilities.tools) {
            (true, true) => Images::Shown,
            // In the text protocol, results are part of a user message without images.
            (false, _) | (true, false) => Images::Named,
        },
        omissions: Omissions::Lost,
    }
}

/// Returns how a model with these capabilities calls tools.
pub(super) const fn protocol(capabilities: Capabilities) -> Protocol {
    if capabilities.tools { Protocol::Native } else { Protocol::Text }
}

/// Returns the most of a tool result that a model with these capabilities sees.
pub(super) fn limits(capabilities: Capabilities, options: &ReActOptions) -> ResultLimits {
    if capabilities.whole_results {
        return ResultLimits::NONE;
    }
    options.result_limits.within(capabilities.context_window.unwrap_or(options.context_window))
}

/// Returns the meaning of repeated calls.
pub(super) const fn repeated(capabilities: Capabilities) -> Repeats {
    if capabilities.has_planned_steps { Repeats::Meant } else { Repeats::Noted }
}
