//! Which models there are and which of them is asked: what a person writes down.

use serde::Deserialize;

use crate::key::ApiKey;
use crate::source::SourceLocation;
use crate::token_price::TokenPrice;

/// Everything about models.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LlmConfig {
    /// The models, each with who offers it.
    pub providers: Vec<ProviderConfig>,
    /// The model that is used when a request names none and no rule applies.
    pub default_provider: Option<String>,
    /// Which one to ask when; the first rule that holds decides.
    pub routing_rules: Vec<RoutingRule>,
    /// Whether calls are priced and booked.
    pub cost_tracking: bool,
    /// Whether another one is asked when the one that was chosen fails.
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

/// One model, and who offers it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ProviderConfig {
    /// What it is called here, such as `claude`.
    pub name: String,
    /// Who offers it, such as `anthropic`; an entry that is known, or `openai-compatible`.
    pub provider: String,
    /// The model, by the provider's name.
    #[serde(default)]
    pub model: Option<String>,
    /// The key itself. Better is one of the two below.
    #[serde(default)]
    pub api_key: Option<ApiKey>,
    /// The environment variable that holds the key.
    #[serde(default)]
    pub api_key_env: Option<String>,
    /// The file that holds the key.
    #[serde(default)]
    pub api_key_file: Option<String>,
    /// Where the provider is, when it is not where it always is.
    #[serde(default)]
    pub base_url: Option<String>,
    /// What a token costs, in dollars, in and out alike.
    #[serde(default)]
    pub cost_per_token: Option<TokenPrice>,
    /// What a token of a request costs, in dollars.
    #[serde(default)]
    pub input_cost_per_token: Option<TokenPrice>,
    /// What a token of a reply costs, in dollars.
    #[serde(default)]
    pub output_cost_per_token: Option<TokenPrice>,
    /// The longest reply, in tokens.
    #[serde(default)]
    pub max_tokens: Option<u64>,
    /// How many tokens a request and its reply may have together.
    #[serde(default)]
    pub context_window: Option<u64>,
    /// What it can do; what the provider's models usually can, when absent.
    #[serde(default)]
    pub features: Option<Vec<String>>,
}

impl ProviderConfig {
    /// Returns an entry with a name and a provider, and nothing else.
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
            max_tokens: None,
            context_window: None,
            features: None,
        }
    }
}

/// When to ask which model.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RoutingRule {
    /// An expression over what is known of the request, such as `tokens < 500`; or `fallback`,
    /// which holds when no other rule does, and whose model is asked when others fail.
    pub condition: String,
    /// The name of the model to ask.
    pub provider: String,
    /// Why.
    #[serde(default)]
    pub reason: String,
    /// Where the rule is written, if it was read from a file.
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
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }
}

/// Where the parts of a rule are written.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuleLocations {
    /// Where the rule begins.
    pub rule: SourceLocation,
    /// Where the text of its condition begins; `None` when the condition is written with escapes, so
    /// that a location within it cannot be computed.
    pub condition: Option<SourceLocation>,
    /// Where the name of its model is.
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
