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
/// Providers that have no wire of their own speak chat completions.
pub fn raw_usage(provider: &str, raw: &Value) -> Option<(Usage, Option<Usd>)> {
    let inner = ["usage", "usageMetadata"].iter().find_map(|key| raw.get(key));
    let usage = inner.filter(|usage| usage.is_object()).unwrap_or(raw);
    let mut read = match provider_id(provider).as_str() {
        "anthropic" => anthropic::usage(usage),
        "google" => gemini::usage(usage).or_else(|| openai::usage(usage)),
        _ => openai::usage(usage).or_else(|| openai::usage(&renamed(usage))),
    }?;
    // Chat completions say the tier beside the usage.
    let beside = raw.get("service_tier").and_then(Value::as_str);
    read.service_tier = read.service_tier.or_else(|| beside.map(str::to_owned));
    Some((read, openai::cost(usage)))
}

/// Returns the counts of the Responses API by the names that chat completions have for them.
fn renamed(usage: &Value) -> Value {
    const NAMES: [(&str, &str); 6] = [
        ("input_tokens", "prompt_tokens"),
        ("output_tokens", "completion_tokens"),
        ("total_tokens", "total_tokens"),
        ("input_tokens_details", "prompt_tokens_details"),
        ("output_tokens_details", "completion_tokens_details"),
        ("service_tier", "service_tier"),
    ];
    let named = |(theirs, ours): (&str, &str)| Some((ours.to_owned(), usage.get(theirs)?.clone()));
    Value::Object(NAMES.into_iter().filter_map(named).collect())
}
