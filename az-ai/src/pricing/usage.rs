//! What a provider's own account of a call comes to.

use az_core::Usd;
use az_core::cost::Usage;
use serde_json::Value;

use super::book::{Call, PriceBook};
use super::cost::Breakdown;
use super::names::provider_id;
use crate::provider::{anthropic, gemini, openai};

/// What a provider's own account of a call comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// What was used.
    pub usage: Usage,
    /// What the provider says it cost.
    pub reported: Option<Usd>,
    /// What we compute; nothing when a price is not known that it takes.
    pub computed: Option<Breakdown>,
}

impl PriceBook {
    /// Reads a provider's usage object and prices it; nothing when it counts nothing.
    pub fn explain(&self, call: &Call<'_>, raw: &Value) -> Option<Explained> {
        let (usage, reported) = raw_usage(call.provider, raw)?;
        let computed = self.cost(call, &usage);
        Some(Explained { usage, reported, computed })
    }
}

/// Reads a usage object as a provider has it, and the cost in it where the provider says one;
/// nothing when it counts nothing. A whole reply is taken for the usage in it.
///
/// Providers that have no wire of their own speak OpenAI's.
pub fn raw_usage(provider: &str, raw: &Value) -> Option<(Usage, Option<Usd>)> {
    let inner = ["usage", "usageMetadata"].iter().find_map(|key| raw.get(key));
    let usage = inner.filter(|usage| usage.is_object()).unwrap_or(raw);
    let mut read = match provider_id(provider).as_str() {
        "anthropic" => anthropic::usage(usage),
        "google" => gemini::usage(usage).or_else(|| openai::usage(usage)),
        "ollama" => openai::usage(usage).or_else(|| ollama(usage)),
        _ => openai::usage(usage),
    }?;
    // Chat completions say the tier beside the usage.
    let beside = raw.get("service_tier").and_then(Value::as_str);
    read.service_tier = read.service_tier.or_else(|| beside.map(str::to_owned));
    Some((read, openai::cost(usage)))
}

/// Reads the counts of Ollama's own API, which stand in the reply itself.
fn ollama(reply: &Value) -> Option<Usage> {
    let count = |name: &str| reply.get(name).and_then(Value::as_u64);
    let (input, output) = (count("prompt_eval_count"), count("eval_count"));
    (input.is_some() || output.is_some())
        .then(|| Usage::tokens(input.unwrap_or(0), output.unwrap_or(0)))
}
