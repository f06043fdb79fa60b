//! Connecting a configuration to its models.

use std::sync::Arc;

use az_ai::catalog::{ConnectError, ConnectOptions, ConnectedModels, Environment};
use az_ai::chat::ChatRequest;
use az_ai::client::LlmClient;
use az_ai::config::{LlmConfig, ProviderConfig, RoutingRule};
use az_ai::error::Error;
use az_ai::offline::OfflineClient;
use az_ai::resolver::{ModelResolver, ResolvedModel, RoutingQuery};

fn with_keys() -> ConnectOptions {
    let key = |name: &str| name.ends_with("_API_KEY").then(|| "key".to_owned());
    ConnectOptions::default().with_environment(Environment::new(key))
}

fn connect(config: &LlmConfig) -> ConnectedModels {
    config.connect(with_keys()).unwrap()
}

fn candidates(models: &ConnectedModels, model: Option<&str>) -> Vec<String> {
    let found = models.candidates(&RoutingQuery::new("hello").with_model(model)).unwrap();
    found.iter().map(|candidate| candidate.model.client.provider().to_owned()).collect()
}

fn ruled() -> LlmConfig {
    LlmConfig::default().with_routing_rules([
        RoutingRule::new("text_length < 500", "deepseek"),
        RoutingRule::new("fallback", "gemini"),
    ])
}

/// Checks `ModelResolver` 1.
#[test]
fn the_default_provider_is_claude() {
    let models = connect(&LlmConfig::default());
    let found = models.resolve(None).unwrap();
    assert_eq!((found.client.provider(), found.model.as_str()), ("anthropic", "claude-sonnet-5-5"));
    assert_eq!(candidates(&models, None), ["anthropic"]);
}

#[test]
fn without_an_environment_a_key_is_missing_where_it_is_needed() {
    let models = LlmConfig::default().connect(ConnectOptions::default()).unwrap();
    let error = models.resolve(None).unwrap_err().to_string();
    assert_eq!(error, "claude is not set up: it has no key; set $ANTHROPIC_API_KEY");
    assert_eq!(models.resolve(Some("offline")).unwrap().client.provider(), "offline");
}

#[test]
fn rules_decide_unless_a_model_is_named() {
    let models = connect(&ruled());
    assert_eq!(candidates(&models, None), ["deepseek", "gemini", "anthropic"]);
    assert_eq!(candidates(&models, Some("auto")), ["deepseek", "gemini", "anthropic"]);
    assert_eq!(candidates(&models, Some("openai/gpt-5.6")), ["openai", "gemini"]);
    assert_eq!(candidates(&models, Some("offline")), ["offline"]);
}

/// Checks `ModelResolver` 4.
#[test]
fn without_fallback_there_is_one_candidate() {
    let models = connect(&ruled().with_fallback(false));
    assert_eq!(candidates(&models, None), ["deepseek"]);
    assert_eq!(candidates(&models, Some("claude")), ["anthropic"]);
}

#[test]
fn without_cost_tracking_calls_have_no_price() {
    let most = |config: &LlmConfig| {
        let found = connect(config).resolve(Some("claude")).unwrap();
        found.client.estimate_cost(&ChatRequest::prompt(&found.model, "hello")).max_cost
    };
    assert!(most(&LlmConfig::default()).is_some());
    assert_eq!(most(&LlmConfig::default().with_cost_tracking(false)), None);
}

/// Checks `ModelResolver` 3.
#[test]
fn a_client_is_created_once_for_its_entry() {
    let models = connect(&LlmConfig::default());
    let client = |name| models.resolve(Some(name)).unwrap().client;
    assert!(Arc::ptr_eq(&client("claude"), &client("claude")));
    assert!(Arc::ptr_eq(&client("google/gemini-x"), &client("gemini")));
    assert!(Arc::ptr_eq(&client("offline"), &client("offline")));
}

#[test]
fn an_added_model_is_created_on_first_use() {
    let create = || {
        let client: Arc<dyn LlmClient> = Arc::new(OfflineClient::new());
        Ok(ResolvedModel::new(client, "mine-1"))
    };
    let options = with_keys().with_model("mine", Arc::new(create));
    let config = ruled().with_default_provider("mine");
    let models = config.connect(options.clone()).unwrap();
    assert_eq!(models.resolve(Some("mine")).unwrap().model, "mine-1");
    assert!(!models.is_routed("mine") && models.is_routed("claude"));
    let taken = LlmConfig::default().with_providers([ProviderConfig::new("mine", "groq")]);
    let error = taken.connect(options).unwrap_err().to_string();
    assert!(error.starts_with("invalid name \"mine\": "), "{error}");
}

#[test]
fn an_invalid_configuration_is_refused_with_the_reason() {
    let refused = |config: LlmConfig| config.connect(with_keys()).unwrap_err();
    let providers = [ProviderConfig::new("a", "groq"), ProviderConfig::new("b", "grok")];
    let entry = refused(LlmConfig::default().with_providers(providers));
    assert!(matches!(&entry, ConnectError::Entry(entry) if entry.index == 1), "{entry}");
    let default =
        |name: &str| refused(LlmConfig::default().with_default_provider(name)).to_string();
    let unknown = "unknown model \"clade\"; use an entry, provider/model or offline; did you mean \
                   \"claude\"?";
    assert_eq!(default("clade"), unknown);
    assert_eq!(default("ollama"), "name its model, as in ollama/MODEL");
    let rules = [RoutingRule::new("true", "clade")];
    let rules = refused(LlmConfig::default().with_routing_rules(rules));
    assert!(matches!(rules, ConnectError::Rules(_)), "{rules}");
}

/// Checks `ModelResolver` 2.
#[test]
fn unknown_and_invalid_names_are_distinguished() {
    let models = connect(&LlmConfig::default());
    let error = |name| models.resolve(Some(name)).unwrap_err();
    assert!(matches!(error("cluade"), Error::UnknownModel { near, .. } if near == ["claude"]));
    assert!(matches!(error("openai/"), Error::InvalidModelName(_)));
    let missing = error("replay:/nonexistent.jsonl").to_string();
    assert!(missing.starts_with("replay is not set up: /nonexistent.jsonl: "), "{missing}");
}

/// The most that a call of a model of an entry can cost, in an environment.
fn most(entry: ProviderConfig, variables: &'static [(&str, &str)]) -> Option<i64> {
    let variable = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    let options = ConnectOptions::default()
        .with_environment(Environment::new(variable))
        .with_host_name("workshop");
    let name = format!("{}/qwen3-32b", entry.name);
    let models = LlmConfig::default().with_providers([entry]).connect(options).unwrap();
    let found = models.resolve(Some(&name)).unwrap();
    let request = ChatRequest::prompt(&found.model, "hello");
    found.client.estimate_cost(&request).max_cost.map(az_core::Usd::nanos)
}

#[test]
fn a_local_server_is_free_by_whichever_name_it_is_reached() {
    let at = |url: &str| {
        let mut entry = ProviderConfig::new("house", "openai-compatible");
        entry.base_url = Some(url.to_owned());
        entry
    };
    for host in ["localhost", "127.0.0.1", "[::1]", "0.0.0.0", "WORKSHOP"] {
        assert_eq!(most(at(&format!("http://{host}:8080/v1")), &[]), Some(0), "{host}");
    }
    let openai = || ProviderConfig::new("openai", "openai");
    let here = [("OPENAI_BASE_URL", "http://localhost:8080/v1")].as_slice();
    assert_eq!(most(openai(), here), Some(0), "as OPENAI_BASE_URL");
    assert_eq!(most(at("http://elsewhere:8080/v1"), &[]), None, "at another host");
    // With a key it may be a gateway, whose calls are billed.
    let keyed = &[("OPENAI_BASE_URL", "http://localhost:8080/v1"), ("OPENAI_API_KEY", "k")];
    assert_eq!(most(openai(), keyed), None, "with a key");
    let mut priced = at("http://localhost:8080/v1");
    priced.cost_per_request = Some("0.005".parse().unwrap());
    priced.cost_per_token = Some("0".parse().unwrap());
    assert_eq!(most(priced, &[]), Some(5_000_000), "with a price of the user's own");
}
