//! The configuration of models and of routing between them.

use std::num::NonZeroU32;

use serde::Deserialize;

use crate::key::ApiKey;
use crate::source::SourceLocation;
use crate::token_price::TokenPrice;

/// The configuration of models and of routing between them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LlmConfig {
    /// The configured models, each with its provider.
    pub providers: Vec<ProviderConfig>,
    /// The default model, used when a request names none and no rule applies.
    pub default_provider: Option<String>,
    /// The routing rules; the first rule whose condition holds decides.
    pub routing_rules: Vec<RoutingRule>,
    /// Whether calls are priced and booked.
    pub cost_tracking: bool,
    /// Whether another model is called when the chosen one fails.
    pub fallback_enabled: bool,
}

impl Default for LlmConfig {
    fn default() -> Self {
        Self {
            providers: Vec::new(),
            default_provider: Some("claude".to_owned()),
            routing_rules: Vec::new(),
            cost_tracking: true,
            fallback_enabled: true,
        }
    }
}

impl LlmConfig {
    /// Sets the configured models.
    #[must_use]
    pub fn with_providers(mut self, providers: impl IntoIterator<Item = ProviderConfig>) -> Self {
        self.providers = providers.into_iter().collect();
        self
    }

    /// Sets the model that is used when a request names none and no rule applies.
    #[must_use]
    pub fn with_default_provider(mut self, name: impl Into<String>) -> Self {
        self.default_provider = Some(name.into());
        self
    }

    /// Sets the routing rules.
    #[must_use]
    pub fn with_routing_rules(mut self, rules: impl IntoIterator<Item = RoutingRule>) -> Self {
        self.routing_rules = rules.into_iter().collect();
        self
    }

    /// Sets whether calls are priced and booked.
    #[must_use]
    pub const fn with_cost_tracking(mut self, enabled: bool) -> Self {
        self.cost_tracking = enabled;
        self
    }

    /// Sets whether another model is called when the chosen one fails.
    #[must_use]
    pub const fn with_fallback(mut self, enabled: bool) -> Self {
        self.fallback_enabled = enabled;
        self
    }
}

/// The configuration of one model and its provider.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ProviderConfig {
    /// The name of the entry, such as `claude`.
    pub name: String,
    /// The provider, such as `anthropic`: the name of a known entry, or `openai-compatible`.
    pub provider: String,
    /// The model, by the provider's name.
    #[serde(default)]
    pub model: Option<String>,
    /// The API key itself. Prefer one of the two fields below.
    #[serde(default)]
    pub api_key: Option<ApiKey>,
    /// The environment variable that holds the API key.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// The file that holds the API key.
    #[serde(default)]
    pub api_key_file: Option<String>,
    /// The base URL of the provider; its usual one when absent.
    #[serde(default)]
    pub base_url: Option<String>,
    /// The price of a token in dollars, for input and output alike.
    #[serde(default)]
    pub cost_per_token: Option<TokenPrice>,
    /// The price of an input token, in dollars.
    #[serde(default)]
    pub input_cost_per_token: Option<TokenPrice>,
    /// The price of an output token, in dollars.
    #[serde(default)]
    pub output_cost_per_token: Option<TokenPrice>,
    /// The fee of a request, in dollars, beside the price of its tokens.
    #[serde(default)]
    pub cost_per_request: Option<TokenPrice>,
    /// The maximum of output tokens.
    #[serde(default)]
    pub max_tokens: Option<u64>,
    /// The context window: the most tokens of a request and its reply together.
    #[serde(default)]
    pub context_window: Option<u64>,
    /// The limit between a request to it and the beginning of the response, instead of that of all
    /// providers.
    #[serde(default)]
    pub first_byte_seconds: Option<NonZeroU32>,
    /// The limit between two pieces of its responses.
    #[serde(default)]
    pub idle_seconds: Option<NonZeroU32>,
    /// The limit between two events of its streams with content or usage.
    #[serde(default)]
    pub event_seconds: Option<NonZeroU32>,
    /// The limit of a response as a whole.
    #[serde(default)]
    pub total_seconds: Option<NonZeroU32>,
    /// The capabilities; those that the provider's models usually have when absent.
    #[serde(default)]
    pub features: Option<Vec<String>>,
}

impl ProviderConfig {
    /// Creates an entry with a name and a provider, and nothing else.
    pub fn new(name: impl Into<String>, provider: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            provider: provider.into(),
            model: None,
            api_key: None,
            api_key_env: None,
            api_key_file: None,
            base_url: None,
            cost_per_token: None,
            input_cost_per_token: None,
            output_cost_per_token: None,
            cost_per_request: None,
            max_tokens: None,
            context_window: None,
            first_byte_seconds: None,
            idle_seconds: None,
            event_seconds: None,
            total_seconds: None,
            features: None,
        }
    }
}

/// A routing rule: a condition and the model that it selects.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RoutingRule {
    /// The condition: an expression over the variables of a request, such as `tokens < 500`; or
    /// `fallback`, which holds when no other rule does, and whose model is called when others fail.
    pub condition: String,
    /// The name of the selected model.
    pub provider: String,
    /// The reason, which is recorded with the choice.
    #[serde(default)]
    pub reason: String,
    /// The location of the rule in its file, if it was read from one.
    #[serde(skip)]
    pub locations: Option<RuleLocations>,
}

impl RoutingRule {
    /// Creates a rule that was not read from a file.
    pub fn new(condition: impl Into<String>, provider: impl Into<String>) -> Self {
        Self {
            condition: condition.into(),
            provider: provider.into(),
            reason: String::new(),
            locations: None,
        }
    }

    /// Returns the rule with a reason.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }
}

/// The locations of a rule's parts in its file.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleLocations {
    /// The start of the rule.
    pub rule: SourceLocation,
    /// The start of the condition's text; `None` when the condition is written with escapes, so
    /// that a location within it cannot be computed.
    pub condition: Option<SourceLocation>,
    /// The name of the model.
    pub provider: SourceLocation,
}

impl RuleLocations {
    /// Creates the locations of a rule's parts.
    pub const fn new(
        rule: SourceLocation,
        condition: Option<SourceLocation>,
        provider: SourceLocation,
    ) -> Self {
        Self { rule, condition, provider }
    }
}
