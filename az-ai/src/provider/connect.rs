//! Creates clients for entries of the configuration.

use std::sync::Arc;

use super::anthropic::Anthropic;
use super::client::{Endpoint, WireClient};
use super::gemini::Gemini;
use super::http::HttpClient;
use super::known::{Api, KnownProvider};
use super::ollama::Ollama;
use super::openai::{Dialect, OpenAi};
use crate::client::{Capabilities, LearnedFacts};
use crate::config::ProviderConfig;
use crate::error::{Error, Result};
use crate::key::ApiKey;
use crate::resolver::near;

/// The features that an entry can list.
pub const FEATURES: &[&str] = &[
    "chat",
    "tools",
    "function_calling",
    "streaming",
    "vision",
    "structured_output",
    "code_generation",
    "reasoning",
];

/// Creates the client of an entry, which learns about its models in `learned`. The caller has looked
/// up the key, and the address if it is not the usual one.
///
/// # Errors
///
/// [`Error::Setup`] for an unknown provider, one without an address, and an unknown feature.
pub fn connect(
    config: &ProviderConfig,
    api_key: Option<ApiKey>,
    base_url: Option<&str>,
    (http, learned): (HttpClient, LearnedFacts),
) -> Result<Arc<WireClient>> {
    let known = known(config)?;
    let setup =
        |reason: &str| Error::Setup { provider: config.name.clone(), reason: reason.to_owned() };
    let base_url = base_url
        .or(config.base_url.as_deref())
        .or(known.base_url)
        .ok_or_else(|| setup(NO_ADDRESS))?;
    let elsewhere = Some(base_url) != known.base_url;
    let endpoint = Endpoint {
        provider: booked_as(config, known),
        base_url: base_url.to_owned(),
        api_key,
        capabilities: capabilities(config)?,
        learned,
        // The features of models at the usual addresses are in the price table.
        describes_models: elsewhere || known.is_local(),
    };
    let client = match known.api {
        Api::Anthropic => WireClient::new(endpoint, Anthropic, http),
        // A compatible server at OpenAI's address may support only chat completions.
        Api::OpenAi if elsewhere => {
            WireClient::new(endpoint, OpenAi::new(Dialect::COMPATIBLE), http)
        }
        Api::OpenAi => WireClient::new(endpoint, OpenAi::new(Dialect::OPENAI), http),
        Api::DeepSeek => WireClient::new(endpoint, OpenAi::new(Dialect::DEEPSEEK), http),
        Api::Mistral => WireClient::new(endpoint, OpenAi::new(Dialect::MISTRAL), http),
        Api::Gemini => WireClient::new(endpoint, Gemini, http),
        Api::Ollama => WireClient::new(endpoint, ollama(config), http),
        Api::Compatible => {
            // A server at another address may refuse what only the provider knows.
            let dialect = match known.name {
                "xai" if !elsewhere => Dialect::XAI,
                "openrouter" if !elsewhere => Dialect::OPENROUTER,
                _ => Dialect::COMPATIBLE,
            };
            WireClient::new(endpoint, OpenAi::new(dialect), http)
        }
    };
    client.map(Arc::new)
}

/// Checks an entry, as far as that is possible without its key, and returns its provider.
///
/// # Errors
///
/// [`Error::Setup`] for what [`connect`] would refuse, and for figures out of range.
pub fn check(config: &ProviderConfig) -> Result<&'static KnownProvider> {
    let known = known(config)?;
    let setup = |reason: String| Error::Setup { provider: config.name.clone(), reason };
    capabilities(config)?;
    let figures = [("max_tokens", config.max_tokens), ("context_window", config.context_window)];
    if let Some((name, _)) = figures.iter().find(|(_, figure)| *figure == Some(0)) {
        return Err(setup(format!(
            "invalid {name}: must be greater than 0; leave it out for the default"
        )));
    }
    let of_tokens =
        [config.cost_per_token, config.input_cost_per_token, config.output_cost_per_token];
    if config.cost_per_request.is_some() && of_tokens.iter().all(Option::is_none) {
        let reason = "cost_per_request needs the price of a token beside it; set cost_per_token, \
                      which may be 0";
        return Err(setup(reason.to_owned()));
    }
    match config.base_url.as_deref().or(known.base_url) {
        None => Err(setup(NO_ADDRESS.to_owned())),
        Some(url) => Endpoint::new(&config.name, url).checked().map(|_| known),
    }
}

const NO_ADDRESS: &str = "it needs a base_url, such as http://127.0.0.1:8080/v1";

/// Returns the provider of an entry.
///
/// # Errors
///
/// [`Error::Setup`] with similar names.
pub fn known(config: &ProviderConfig) -> Result<&'static KnownProvider> {
    KnownProvider::find(&config.provider).ok_or_else(|| {
        let names = || super::known::PROVIDERS.iter().map(|known| known.name);
        let likely = match near(&config.provider, names()).as_slice() {
            [] => names().collect::<Vec<_>>().join(", "),
            likely => likely.join(" or "),
        };
        let provider = &config.provider;
        let reason = format!("its provider {provider:?} is unknown; try {likely}");
        Error::Setup { provider: config.name.clone(), reason }
    })
}

/// Returns the provider that an entry's calls are booked under; for a compatible server without a
/// usual address it is the name of the entry.
pub fn booked_as(config: &ProviderConfig, known: &KnownProvider) -> String {
    let is_custom = known.base_url.is_none();
    if is_custom { config.name.clone() } else { known.name.to_owned() }
}

/// Returns the capabilities that an entry lists; without a list, all that the wire supports.
fn capabilities(config: &ProviderConfig) -> Result<Capabilities> {
    let mut capabilities = Capabilities::FULL;
    if let Some(features) = &config.features {
        let unknown = features.iter().find(|feature| !FEATURES.contains(&feature.as_str()));
        if let Some(unknown) = unknown {
            let known = FEATURES.join(", ");
            let reason = format!("unknown feature {unknown:?}; known features are {known}");
            return Err(Error::Setup { provider: config.name.clone(), reason });
        }
        let has = |names: &[&str]| features.iter().any(|feature| names.contains(&feature.as_str()));
        // Models for code generation support tools, even if the entry does not list both.
        capabilities.tools = has(&["tools", "function_calling", "code_generation"]);
        capabilities.vision = has(&["vision"]);
        capabilities.formats = has(&["structured_output"]);
    }
    capabilities.context_window = config.context_window;
    capabilities.max_output = config.max_tokens;
    Ok(capabilities)
}

fn ollama(config: &ProviderConfig) -> Ollama {
    let wire = Ollama::default();
    match config.context_window {
        Some(tokens) => wire.with_context_window(tokens),
        None => wire,
    }
}

#[cfg(test)]
mod tests {
    use super::capabilities;
    use crate::config::ProviderConfig;

    #[test]
    fn tools_follow_from_tools_function_calling_or_code_generation() {
        let tools = |features: &[&str]| {
            let mut config = ProviderConfig::new("deepseek", "deepseek");
            config.features = Some(features.iter().map(|name| (*name).to_owned()).collect());
            capabilities(&config).unwrap().tools
        };
        assert!(tools(&["chat", "code_generation", "reasoning"]));
        assert!(tools(&["chat", "tools"]));
        assert!(tools(&["chat", "function_calling"]));
        assert!(!tools(&["chat", "reasoning"]));
    }
}
