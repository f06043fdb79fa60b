//! Options of the ReAct loop.

use serde::Deserialize;

use super::result_limits::ResultLimits;
use crate::chat::{DEFAULT_MAX_TOKENS, DEFAULT_TEMPERATURE};
use crate::dispatch::DispatchOptions;

/// How long a task keeps the model that was chosen for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sticky {
    /// To its end, except while the model fails, and unless the request needs a larger context window.
    /// The provider then has the conversation in its cache.
    #[default]
    Task,
    /// For one step: the rules choose anew before each.
    Step,
}

/// Options of the ReAct loop.
#[derive(Debug, Clone, PartialEq)]
pub struct ReActOptions {
    /// The sampling temperature; the provider's default when absent.
    pub temperature: Option<f32>,
    /// The maximum of output tokens; less where the model allows less.
    pub max_tokens: u32,
    /// The context window of models for which it is unknown, in tokens.
    pub context_window: u64,
    /// The most of a tool result that the model sees. Clients with `whole_results` get everything that
    /// the fold keeps.
    pub result_limits: ResultLimits,
    /// The fill level of the context window that starts compaction, in percent.
    pub compact_at: u8,
    /// The number of latest turns that a summary keeps, and whose results are cut last.
    pub keep_turns: usize,
    /// The size to which older tool results are cut, in bytes.
    pub shrunk: usize,
    /// How long a task keeps its model.
    pub sticky: Sticky,
    /// Additional instructions for the model, from the program's configuration.
    pub instructions: Option<String>,
    /// How candidates are tried.
    pub dispatch: DispatchOptions,
}

impl Default for ReActOptions {
    fn default() -> Self {
        Self {
            temperature: Some(DEFAULT_TEMPERATURE),
            max_tokens: DEFAULT_MAX_TOKENS,
            context_window: 128_000,
            result_limits: ResultLimits::default(),
            compact_at: 80,
            keep_turns: 4,
            shrunk: 400,
            sticky: Sticky::default(),
            instructions: None,
            dispatch: DispatchOptions::default(),
        }
    }
}

impl ReActOptions {
    /// Returns the options with a temperature; `None` is the provider's default.
    #[must_use]
    pub const fn with_temperature(mut self, temperature: Option<f32>) -> Self {
        self.temperature = temperature;
        self
    }

    /// Returns the options with a maximum of output tokens.
    #[must_use]
    pub const fn with_max_tokens(mut self, max_tokens: u32) -> Self {
        self.max_tokens = max_tokens;
        self
    }

    /// Returns the options with a context window for models for which it is unknown.
    #[must_use]
    pub const fn with_context_window(mut self, tokens: u64) -> Self {
        self.context_window = tokens;
        self
    }

    /// Returns the options with limits on the tool results that the model sees.
    #[must_use]
    pub const fn with_result_limits(mut self, limits: ResultLimits) -> Self {
        self.result_limits = limits;
        self
    }

    /// Returns the options with a number of latest turns that are kept in full.
    #[must_use]
    pub const fn with_keep_turns(mut self, turns: usize) -> Self {
        self.keep_turns = turns;
        self
    }

    /// Returns the options with how long a task keeps its model.
    #[must_use]
    pub const fn with_sticky(mut self, sticky: Sticky) -> Self {
        self.sticky = sticky;
        self
    }

    /// Returns the options with instructions.
    #[must_use]
    pub fn with_instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// Returns the options with those of the dispatcher.
    #[must_use]
    pub const fn with_dispatch(mut self, dispatch: DispatchOptions) -> Self {
        self.dispatch = dispatch;
        self
    }

    /// Returns the tokens that a request and its reply may have together, for a model with this
    /// window.
    pub(super) fn limit(&self, window: Option<u64>) -> u64 {
        let window = window.unwrap_or(self.context_window);
        (window / 100).saturating_mul(u64::from(self.compact_at)).max(1)
    }
}
