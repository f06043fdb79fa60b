//! Prices a provider's usage object.

use az_core::Usd;
use az_core::cost::Usage;
use serde_json::Value;

use super::book::{PriceBook, PricedCall};
use super::cost::Breakdown;
use super::names::provider_id;
use crate::provider::{anthropic, gemini, openai};

/// A provider's usage object, with its cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// The usage.
    pub usage: Usage,
    /// The cost that the provider reports.
    pub reported: Option<Usd>,
    /// The computed cost; `None` when a price that it needs is unknown.
    pub computed: Option<Breakdown>,
}

impl PriceBook {
    /// Reads a provider's usage object and prices it; `None` when it contains no counts.
    pub fn explain(&self, call: &PricedCall<'_>, raw: &Value) -> Option<Explained> {
        let (usage, reported) = raw_usage(call.provider, raw)?;
        let computed = self.cost(call, &usage);
        Some(Explained { usage, reported, computed })
    }
}

/// Reads a provider's usage object and the cost in it, if there is one; `None` when it contains no
/// counts. The usage within a whole reply is found too.
///
/// Providers without a wire of their own use OpenAI's format.
pub fn raw_usage(provider: &str, raw: &Value) -> Option<(Usage, Option<Usd>)> {
    let inner = ["usage", "usageMetadata"].iter().find_map(|key| raw.get(key));
    let usage = inner.filter(|usage| usage.is_object()).unwrap_or(raw);
    let mut read = match provider_id(provider).as_str() {
        "anthropic" => anthropic::usage(usage),
        "google" => gemini::usage(usage).or_else(|| openai::usage(usage)),
        "ollama" => openai::usage(usage).or_else(|| ollama(usage)),
        _ => openai::usage(usage),
    }?;
    // Chat completions have the tier beside the usage.
    let beside = raw.get("service_tier").and_then(Value::as_str);
    read.service_tier = read.service_tier.or_else(|| beside.map(str::to_owned));
    Some((read, openai::cost(usage)))
}

/// Reads the counts of Ollama's own API, which are fields of the reply.
fn ollama(reply: &Value) -> Option<Usage> {
    let count = |name: &str| reply.get(name).and_then(Value::as_u64);
    let (input, output) = (count("prompt_eval_count"), count("eval_count"));
    (input.is_some() || output.is_some())
        .then(|| Usage::tokens(input.unwrap_or(0), output.unwrap_or(0)))
}
