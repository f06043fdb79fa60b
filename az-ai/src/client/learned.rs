//! What the use of a model has shown about it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::capabilities::Capabilities;
use crate::chat::ChatRequest;

/// A fact about a model that its server has stated, or that a refusal or a reply has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fact {
    /// It does not accept a parameter.
    Rejects(Parameter),
    /// It does not support native tool calls.
    NoTools,
    /// It does not support image input.
    NoVision,
    /// The most tokens of a request and its reply together.
    ContextWindow(u64),
    /// The most tokens of a reply.
    MaxOutput(u64),
}

/// A parameter that some models do not accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Parameter {
    /// The sampling temperature.
    Temperature,
    /// The stop sequences.
    Stop,
    /// The reasoning effort.
    Effort,
    /// The name under which the maximum of output tokens is sent; there are two.
    MaxTokens,
    /// The request for usage in a stream.
    StreamOptions,
}

/// The result of [`LlmClient::prepare`](super::LlmClient::prepare).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prepared {
    /// The model can be called. Contains the facts that were learned by this call.
    Ready(Vec<Fact>),
    /// The server is still loading the model. Contains its message.
    Loading(String),
}

impl Prepared {
    /// The model can be called, and nothing was learned.
    pub const READY: Self = Self::Ready(Vec::new());
}

impl Fact {
    /// Returns what follows for requests, for people. `model` names the model and its provider.
    pub fn consequence(self, model: &str) -> String {
        match self {
            Self::Rejects(Parameter::MaxTokens) => format!(
                "{model} does not accept the limit of a reply under this name: max_tokens and \
                 max_completion_tokens change places from now on"
            ),
            Self::Rejects(parameter) => {
                format!("{model} does not accept {parameter}: it is left out from now on")
            }
            Self::NoTools => format!(
                "{model} does not support tool calls: the tools are described in the prompt, and \
                 calls are read from the text of replies, from now on"
            ),
            Self::NoVision => {
                format!("{model} does not support image input: images are left out from now on")
            }
            Self::ContextWindow(tokens) => format!(
                "{model} has a context window of {tokens} tokens: requests are fitted into it from \
                 now on"
            ),
            Self::MaxOutput(tokens) => {
                format!("{model} allows replies of {tokens} tokens: they are limited to that")
            }
        }
    }
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Temperature => "temperature",
            Self::Stop => "stop",
            Self::Effort => "reasoning_effort",
            Self::MaxTokens => "max_tokens",
            Self::StreamOptions => "stream_options",
        })
    }
}

/// The facts that were learned about models, by address and model. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct LearnedFacts(Arc<Mutex<HashMap<(String, String), ModelFacts>>>);

#[derive(Debug, Clone, Default)]
struct ModelFacts {
    rejected: Vec<Parameter>,
    no_tools: bool,
    no_vision: bool,
    context_window: Option<u64>,
    max_output: Option<u64>,
}

impl LearnedFacts {
    /// Adds a fact about the model at an address. A later window replaces an earlier one.
    pub fn learn(&self, address: &str, model: &str, fact: Fact) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let facts = known.entry((address.to_owned(), model.to_owned())).or_default();
        match fact {
            Fact::Rejects(parameter) if facts.rejected.contains(&parameter) => {}
            Fact::Rejects(parameter) => facts.rejected.push(parameter),
            Fact::NoTools => facts.no_tools = true,
            Fact::NoVision => facts.no_vision = true,
            Fact::ContextWindow(tokens) => facts.context_window = Some(tokens),
            Fact::MaxOutput(tokens) => facts.max_output = Some(tokens),
        }
    }

    /// Returns the capabilities of a model as the facts about it limit them.
    pub fn limit(&self, address: &str, model: &str, capabilities: Capabilities) -> Capabilities {
        let facts = self.of(address, model);
        let learned = Capabilities {
            tools: !facts.no_tools,
            vision: !facts.no_vision,
            context_window: facts.context_window,
            max_output: facts.max_output,
            ..capabilities
        };
        capabilities.intersect(learned)
    }

    /// Returns a request without the parameters that its model does not accept.
    pub fn adapt<'a>(&self, address: &str, request: &'a ChatRequest) -> Cow<'a, ChatRequest> {
        let mut request = Cow::Borrowed(request);
        for parameter in self.of(address, &request.model).rejected {
            match parameter {
                Parameter::Temperature => request.to_mut().temperature = None,
                Parameter::Stop => request.to_mut().stop.clear(),
                Parameter::Effort => request.to_mut().effort = None,
                Parameter::MaxTokens | Parameter::StreamOptions => {}
            }
        }
        request
    }

    /// Returns the parameters that a model does not accept.
    pub fn rejected(&self, address: &str, model: &str) -> Vec<Parameter> {
        self.of(address, model).rejected
    }

    fn of(&self, address: &str, model: &str) -> ModelFacts {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(&(address.to_owned(), model.to_owned())).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{Capabilities, Fact, LearnedFacts, Parameter};
    use crate::chat::ChatRequest;

    #[test]
    fn facts_concern_one_model_at_one_address() {
        let learned = LearnedFacts::default();
        for fact in [Fact::NoTools, Fact::ContextWindow(4_096), Fact::MaxOutput(512)] {
            learned.learn("a", "m", fact);
        }
        let full = Capabilities::FULL.with_context_window(8_192);
        let limited =
            Capabilities::FULL.without_tools().with_context_window(4_096).with_max_output(512);
        assert_eq!(learned.limit("a", "m", full), limited);
        assert_eq!(learned.limit("a", "other", full), full);
        assert_eq!(learned.limit("b", "m", full), full);
    }

    #[test]
    fn a_request_has_no_parameter_that_its_model_rejects() {
        let learned = LearnedFacts::default();
        for parameter in [Parameter::Temperature, Parameter::Stop, Parameter::StreamOptions] {
            learned.learn("a", "m", Fact::Rejects(parameter));
        }
        let whole = ChatRequest::prompt("m", "hi").with_stop(vec!["x".to_owned()]);
        assert_eq!(*learned.adapt("b", &whole), whole);
        let reduced = whole.clone().with_temperature(None).with_stop(Vec::new());
        assert_eq!(*learned.adapt("a", &whole), reduced);
        // Its field in the body is the wire's.
        assert_eq!(learned.rejected("a", "m").last(), Some(&Parameter::StreamOptions));
    }
}
