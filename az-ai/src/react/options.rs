//! How the loop is set up.

use crate::chat::{DEFAULT_MAX_TOKENS, DEFAULT_TEMPERATURE};
use crate::dispatch::DispatchOptions;

/// The loop's figures.
#[derive(Debug, Clone, PartialEq)]
pub struct ReActOptions {
    /// How freely the model chooses its words; the provider's own default when absent.
    pub temperature: Option<f32>,
    /// The longest reply, in tokens; less where the model allows less.
    pub max_tokens: u32,
    /// The context window of models that do not say, in tokens.
    pub context_window: u64,
    /// How much is shown of what a tool returned, in bytes; clients that work on results
    /// themselves get all that the record's fold keeps.
    pub longest_result: usize,
    /// How full the window may get before room is made, in percent.
    pub compact_at: u8,
    /// How many of the last turns are shown in full when room is made.
    pub keep_turns: usize,
    /// How much is shown of what a tool returned before those, in bytes.
    pub shrunk: usize,
    /// What the model is told in addition, by whoever runs the program.
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
            longest_result: 8 << 10,
            compact_at: 80,
            keep_turns: 4,
            shrunk: 400,
            instructions: None,
            dispatch: DispatchOptions::default(),
        }
    }
}

impl ReActOptions {
    /// Returns the options with a temperature, or the provider's own.
    #[must_use]
    pub const fn with_temperature(mut self, temperature: Option<f32>) -> Self {
        self.temperature = temperature;
        self
    }

    /// Returns the options with a longest reply.
    #[must_use]
    pub const fn with_max_tokens(mut self, max_tokens: u32) -> Self {
        self.max_tokens = max_tokens;
        self
    }

    /// Returns the options with a context window for models that do not say.
    #[must_use]
    pub const fn with_context_window(mut self, tokens: u64) -> Self {
        self.context_window = tokens;
        self
    }

    /// Returns the options with a most that is shown of what a tool returned, in bytes.
    #[must_use]
    pub const fn with_longest_result(mut self, bytes: usize) -> Self {
        self.longest_result = bytes;
        self
    }

    /// Returns the options with a number of turns that are always shown in full.
    #[must_use]
    pub const fn with_keep_turns(mut self, turns: usize) -> Self {
        self.keep_turns = turns;
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

    /// Returns how many tokens a request and its reply may have, of a model with this window.
    pub(super) fn limit(&self, window: Option<u64>) -> u64 {
        let window = window.unwrap_or(self.context_window);
        (window / 100).saturating_mul(u64::from(self.compact_at)).max(1)
    }
}
