//! How the requests of a task are built: what later steps send again byte for byte.
//!
//! Providers cache requests by prefix. Whatever decides how a request begins is therefore recorded
//! once and read from the journal afterwards, also by a newer version of the program.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::ModelIntent;
use super::sent::{PrefixChange, SentRequests};
use crate::clock::Timestamp;
use crate::cost::Usage;
use crate::digest::sha256_hex;
use crate::tool::ToolDefinition;

/// A decision about the requests that follow it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum ContextChange {
    /// The prompt was rendered.
    Prompt(Prompt),
    /// Tools appeared after the prompt was rendered. The model gets the text before its next turn.
    ToolsAdded {
        /// The names of the tools.
        tools: Vec<String>,
        /// The text that describes them.
        text: String,
    },
    /// Results of tools were cut.
    Cut(ContextCut),
    /// The model of the task was chosen.
    Model(ModelChoice),
}

/// The rendered prompt of a task: the system text and the tools.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Prompt {
    /// How models that get this prompt call tools.
    pub protocol: Protocol,
    /// The system text.
    pub system: String,
    /// The tools, in the order in which they are sent.
    #[serde(with = "crate::serde_arc")]
    pub tools: Arc<[ToolDefinition]>,
}

impl Prompt {
    /// Creates a prompt.
    pub fn new(
        protocol: Protocol,
        system: impl Into<String>,
        tools: impl Into<Arc<[ToolDefinition]>>,
    ) -> Self {
        Self { protocol, system: system.into(), tools: tools.into() }
    }

    /// Returns the SHA-256 of the prompt in hexadecimal digits. Equal prompts have equal digests.
    pub fn digest(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        sha256_hex(json)
    }
}

/// The form of tool calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    /// The provider's native form.
    Native,
    /// The text of the reply.
    Text,
}

/// Results of tools that requests to a model contain in part only, the oldest ones.
///
/// The arguments of their calls are cut to the same size. The journal keeps all of both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ContextCut {
    /// The provider of the model.
    pub provider: String,
    /// The model. Requests to other models are not cut.
    pub model: String,
    /// The turn before which all results are cut.
    pub before_turn: usize,
    /// The number of that turn's calls, from the first, whose results are cut as well.
    pub calls: usize,
    /// The size that each result is cut to, in bytes.
    pub to_bytes: usize,
    /// The estimated tokens of the request before the cut.
    pub tokens_before: u64,
    /// The estimated tokens of the request after the cut.
    pub tokens_after: u64,
}

impl ContextCut {
    /// Creates a cut of all results before a turn.
    pub fn before(
        (provider, model): (impl Into<String>, impl Into<String>),
        before_turn: usize,
        to_bytes: usize,
    ) -> Self {
        Self {
            provider: provider.into(),
            model: model.into(),
            before_turn,
            calls: 0,
            to_bytes,
            tokens_before: 0,
            tokens_after: 0,
        }
    }

    /// Sets the number of calls of the turn itself whose results are cut.
    #[must_use]
    pub const fn with_calls(mut self, calls: usize) -> Self {
        self.calls = calls;
        self
    }

    /// Sets the estimated tokens of the request before and after the cut.
    #[must_use]
    pub const fn with_tokens(mut self, before: u64, after: u64) -> Self {
        (self.tokens_before, self.tokens_after) = (before, after);
        self
    }

    fn is_of(&self, provider: &str, model: &str) -> bool {
        self.provider == provider && self.model == model
    }

    /// Returns whether the result of a call is cut, given the number of its turn and its place in it.
    pub const fn covers(&self, (turn, place): (usize, usize)) -> bool {
        turn < self.before_turn || (turn == self.before_turn && place < self.calls)
    }
}

/// The model that a task keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct ModelChoice {
    /// The name of the model in the configuration.
    pub name: String,
    /// The reason for the choice, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl ModelChoice {
    /// Creates a choice.
    pub fn new(name: impl Into<String>, reason: Option<String>) -> Self {
        Self { name: name.into(), reason }
    }
}

/// The decisions so far about how the requests of a task are built.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Context {
    /// The prompts, at most one for each protocol.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<Prompt>,
    /// The tools that appeared later.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<AddedTools>,
    /// The cuts, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cuts: Vec<ContextCut>,
    /// The model that the task keeps, if it was chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelChoice>,
    /// The time of the last reply of a model, since a prompt was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replied_at: Option<Timestamp>,
    /// The last requests that were answered.
    #[serde(skip_serializing_if = "SentRequests::is_empty")]
    pub sent: SentRequests,
    /// The requests that did not begin with the one before, although no recorded decision changed that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub prefix_changes: Vec<PrefixChange>,
}

/// Tools that appeared after the prompt was rendered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AddedTools {
    /// The number of turns before the text that describes them.
    pub after: usize,
    /// Their names.
    pub tools: Vec<String>,
}

impl Context {
    /// Returns whether there was no decision yet.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the prompt for a protocol, if it was rendered.
    pub fn prompt(&self, protocol: Protocol) -> Option<&Prompt> {
        self.prompts.iter().find(|prompt| prompt.protocol == protocol)
    }

    /// Returns the size to which the result of a call is cut in requests to a model, where the call is
    /// given by the number of its turn and its place in it; `None` if it is not cut.
    pub fn cut_of(&self, (provider, model): (&str, &str), call: (usize, usize)) -> Option<usize> {
        let cuts = self.cuts.iter().filter(|cut| cut.is_of(provider, model));
        cuts.filter(|cut| cut.covers(call)).map(|cut| cut.to_bytes).min()
    }

    /// Notes the time of a reply. Earlier versions, which did not record prompts, have no such times in
    /// their snapshots.
    pub(super) fn note_reply(&mut self, at: Timestamp) {
        if !self.prompts.is_empty() {
            self.replied_at = Some(at);
        }
    }

    /// Notes the request of a step that was answered, and the usage that the provider reported of it.
    pub(super) fn note_sent(&mut self, intent: &ModelIntent, step: u32, usage: Option<&Usage>) {
        let Some(request) = intent.sent.as_deref() else { return };
        let model = (intent.provider.as_str(), intent.model.as_str());
        self.sent.add(model, request);
        if let Some(usage) = usage.filter(|usage| !usage.estimated) {
            self.sent.count(model, usage.total_input());
        }
        self.prefix_changes.extend(request.changed.map(|part| PrefixChange { step, part }));
    }

    /// Applies a decision that was taken after this number of turns.
    pub(super) fn apply(&mut self, change: &ContextChange, turns: usize) {
        match change {
            ContextChange::Prompt(prompt) => {
                self.prompts.retain(|known| known.protocol != prompt.protocol);
                self.prompts.push(prompt.clone());
            }
            ContextChange::ToolsAdded { tools, .. } => {
                self.added.push(AddedTools { after: turns, tools: tools.clone() });
            }
            ContextChange::Cut(cut) => {
                self.cuts.push(cut.clone());
                self.sent.forget_messages(Some((&cut.provider, &cut.model)));
            }
            ContextChange::Model(choice) => self.model = Some(choice.clone()),
        }
    }
}
