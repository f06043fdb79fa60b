//! `aichat.complete`.

use std::sync::Arc;

use az_core::call::{Completer, CompletionRequest};
use az_core::content::ContentPart;
use az_core::tool::{EffectClass, Invocation, Progress, ToolOutput, ToolScope, is_model_of_a_file};
use az_core::{Error, Result};
use schemars::JsonSchema;
use serde::Deserialize;

use super::limit::stopped;
use crate::registry::OUTCOME_UNKNOWN;
use crate::tool::{TypedTool, invalid_argument};

/// The highest temperature that a provider accepts.
const MAX_TEMPERATURE: f64 = 2.0;

/// Completes a prompt with a model.
///
/// An interrupted call is never repeated: the request may have been sent, and costs money.
#[derive(Debug)]
pub struct AichatCompleteTool(Arc<dyn Completer>);

/// The arguments of `aichat.complete`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AichatCompleteArgs {
    /// Input prompt
    pub prompt: String,
    /// Model name
    #[serde(default)]
    pub model: Option<String>,
    /// Sampling temperature
    #[serde(default = "default_temperature")]
    pub temperature: f64,
    /// Maximum tokens
    #[serde(default = "default_max_tokens")]
    pub max_tokens: u32,
}

const fn default_temperature() -> f64 {
    0.7
}

const fn default_max_tokens() -> u32 {
    2048
}

impl AichatCompleteTool {
    /// Creates the tool.
    pub const fn new(completer: Arc<dyn Completer>) -> Self {
        Self(completer)
    }
}

impl TypedTool for AichatCompleteTool {
    type Args = AichatCompleteArgs;
    const NAME: &'static str = "aichat.complete";
    const DESCRIPTION: &'static str = "Generate text completion";
    const CATEGORY: &'static str = "ai";
    const RETURNS: &'static str = "string";
    const EFFECT: EffectClass = EffectClass::Unsafe;
    const SCOPE: ToolScope = ToolScope::Network;
    const EXAMPLE: &'static str = r#"{"prompt": "Name a prime number", "max_tokens": 50}"#;

    fn check(&self, args: &AichatCompleteArgs) -> Result<()> {
        let refused = |name: &str, reason: &str| Err(invalid_argument(Self::NAME, name, reason));
        if args.prompt.trim().is_empty() {
            return refused("prompt", "must not be empty");
        }
        if !(0.0..=MAX_TEMPERATURE).contains(&args.temperature) {
            return refused("temperature", &format!("must be 0 to 2, got {}", args.temperature));
        }
        if args.max_tokens == 0 {
            return refused("max_tokens", "must be at least 1");
        }
        Ok(())
    }

    async fn call(&self, args: AichatCompleteArgs, call: &Invocation) -> Result<ToolOutput> {
        let of_a_file = args.model.as_deref().filter(|model| is_model_of_a_file(model));
        // A person may name one, and a model could reach files by it that no rule is about.
        if let Some(model) = of_a_file.filter(|_| call.seen.is_some()) {
            let reason = format!("{model} reads or writes a file; leave the model out");
            return Err(invalid_argument(Self::NAME, "model", &reason));
        }
        let request = CompletionRequest::new(args.prompt)
            .with_model(args.model)
            .with_sampling(args.temperature, args.max_tokens);
        call.lease.check()?;
        call.progress.report(Progress::message("waiting for the model"));
        let completing = self.0.complete(&call.payer, &call.call, &request);
        // What was sent is booked when the future is dropped.
        let completed = tokio::select! {
            biased;
            error = stopped(call) => Err(error),
            completed = completing => completed,
        };
        Ok(match completed {
            Ok(completion) if completion.is_cut => {
                let limit = args.max_tokens;
                let note = format!("[the reply was cut at {limit} tokens: raise max_tokens]");
                ToolOutput::done(completion.text).with_part(ContentPart::text(note))
            }
            Ok(completion) => ToolOutput::done(completion.text),
            Err(error @ (Error::Cancelled | Error::TimedOut { .. })) => {
                ToolOutput::unknown(format!("{}; {OUTCOME_UNKNOWN}", error.chain()))
            }
            Err(error @ Error::Invalid { .. }) => return Err(error),
            Err(error) => ToolOutput::failed(error.chain()),
        })
    }
}
