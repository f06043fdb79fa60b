//! From a name, or none, to a model.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use az_ai::client::LlmClient;
use az_ai::error::Error;
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_ai::provider::offline::OfflineClient;
use az_ai::provider::openai::{Dialect, OpenAi};
use az_ai::provider::{Endpoint, WireClient};
use az_ai::resolver::{ModelResolver, ResolvedModel, near};
use az_ai::scripted::ScriptedClient;

use super::local::{self, LocalServer};
use crate::error::CliError;
use crate::settings::Settings;

/// The model of OpenAI's that is used when only a key is known.
const OPENAI_DEFAULT: &str = "gpt-5-mini";

/// A model that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its name, by which it is found again.
    pub name: String,
    why: String,
}

impl Choice {
    fn new(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { name: name.into(), why: why.into() }
    }

    /// Returns what was chosen, and why.
    pub fn in_words(&self) -> String {
        format!("model {}: {}", self.name, self.why)
    }
}

/// Chooses models and makes their clients.
#[derive(Debug)]
pub struct ModelChooser {
    settings: Settings,
    default: OnceLock<Choice>,
    local: tokio::sync::OnceCell<Option<LocalServer>>,
    clients: Mutex<HashMap<String, Arc<dyn LlmClient>>>,
}

impl ModelChooser {
    /// Returns a chooser that has looked nowhere yet.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            default: OnceLock::new(),
            local: tokio::sync::OnceCell::new(),
            clients: Mutex::default(),
        }
    }

    /// Chooses: the model named, else the configured one, else one that the environment gives
    /// access to, else one on this machine, else `offline`.
    ///
    /// # Errors
    ///
    /// When a name is unknown, or its provider is not set up.
    pub async fn choose(&self, named: Option<&str>) -> Result<Choice, CliError> {
        if let Some(name) = named {
            return self.named(name, "as asked").await;
        }
        if let Some(choice) = self.default.get() {
            return Ok(choice.clone());
        }
        let choice = match &self.settings.model {
            Some((name, said_by)) => self.named(name, &format!("configured by {said_by}")).await?,
            None => self.found().await?,
        };
        Ok(self.default.get_or_init(|| choice).clone())
    }

    /// Checks a name, and looks up what it needs.
    async fn named(&self, name: &str, why: &str) -> Result<Choice, CliError> {
        let full = match name.split_once(['/', ':']) {
            Some(("openai" | "scripted", _)) => name.to_owned(),
            Some(("local", model)) => self.local_model(name, model).await?,
            _ if name == OFFLINE => name.to_owned(),
            _ if self.has_openai() => format!("openai/{name}"),
            _ => self.local_model(name, name).await?,
        };
        self.resolve(Some(&full)).map_err(|error| CliError::Core(error.into()))?;
        Ok(Choice::new(full, why))
    }

    async fn local_model(&self, name: &str, model: &str) -> Result<String, CliError> {
        let server = self.local().await;
        let models = server.map(|server| server.models.as_slice()).unwrap_or_default();
        if models.iter().any(|known| known == model) {
            return Ok(format!("local/{model}"));
        }
        let known = models.iter().map(|m| format!("local/{m}")).chain([OFFLINE.to_owned()]);
        let known: Vec<_> = known.collect();
        let likely = near(name, known.iter().map(String::as_str));
        let likely = match likely.as_slice() {
            [] => String::new(),
            likely => format!("; did you mean {}?", likely.join(" or ")),
        };
        Err(CliError::Settings(format!(
            "no model is called {name:?}{likely}\nset OPENAI_API_KEY (and OPENAI_BASE_URL) for a \
             provider's models, start a model server on this machine, or use `offline`"
        )))
    }

    async fn found(&self) -> Result<Choice, CliError> {
        if let Some(base_url) = &self.settings.base_url {
            return self.first_of(base_url).await;
        }
        if self.settings.api_key.is_some() {
            let why = "OPENAI_API_KEY is in the environment";
            return Ok(Choice::new(format!("openai/{OPENAI_DEFAULT}"), why));
        }
        if let Some(server) = self.local().await
            && let Some(model) = server.models.first()
        {
            let why = format!("a model server answers at {}", server.base_url);
            return Ok(Choice::new(format!("local/{model}"), why));
        }
        let why = "no key in the environment and no model server on this machine; \
                   this is a planner for a small language, not a model";
        Ok(Choice::new(OFFLINE, why))
    }

    /// Returns the first model that a configured server offers.
    async fn first_of(&self, base_url: &str) -> Result<Choice, CliError> {
        let client = self.openai().map_err(|error| CliError::Core(error.into()))?;
        let name_one = "name a model with --model or AZ_MODEL, or use `offline`";
        match client.models().await {
            Ok(models) => match models.first() {
                Some(model) => {
                    let why = format!("the first that {base_url} offers");
                    Ok(Choice::new(format!("openai/{model}"), why))
                }
                None => Err(CliError::Settings(format!("{base_url} offers no models; {name_one}"))),
            },
            Err(error) => Err(CliError::Settings(format!("{error}; {name_one}"))),
        }
    }

    async fn local(&self) -> Option<&LocalServer> {
        self.local.get_or_init(local::find).await.as_ref()
    }

    const fn has_openai(&self) -> bool {
        self.settings.api_key.is_some() || self.settings.base_url.is_some()
    }

    /// Returns a client, the same for the same key.
    fn client(
        &self,
        key: &str,
        make: impl FnOnce() -> Result<Arc<dyn LlmClient>, Error>,
    ) -> Result<Arc<dyn LlmClient>, Error> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(key) {
            return Ok(Arc::clone(client));
        }
        let client = make()?;
        clients.insert(key.to_owned(), Arc::clone(&client));
        Ok(client)
    }

    fn openai(&self) -> Result<WireClient, Error> {
        let Settings { base_url, api_key, .. } = &self.settings;
        let (config, dialect) = match (base_url, api_key) {
            (Some(base_url), _) => (Endpoint::new("openai", base_url), Dialect::COMPATIBLE),
            (None, Some(_)) => (Endpoint::new("openai", OpenAi::BASE_URL), Dialect::OPENAI),
            (None, None) => {
                return Err(Error::Setup {
                    provider: "openai".to_owned(),
                    reason: "set OPENAI_API_KEY, or OPENAI_BASE_URL for another server".to_owned(),
                });
            }
        };
        let config = match api_key {
            Some(key) => config.with_api_key(key.clone()),
            None => config,
        };
        WireClient::new(config, OpenAi::new(dialect), HttpClient::new(&HttpOptions::default())?)
    }
}

const OFFLINE: &str = "offline";

/// Reads a script.
fn script(path: &str) -> Result<ScriptedClient, Error> {
    let unreadable = |error: std::io::Error| Error::Setup {
        provider: "scripted".to_owned(),
        reason: format!("{path}: {error}"),
    };
    let lines = std::fs::read_to_string(path).map_err(unreadable)?;
    ScriptedClient::from_json_lines(&lines)
}

impl ModelResolver for ModelChooser {
    fn resolve(&self, model: Option<&str>) -> Result<ResolvedModel, Error> {
        let default = self.default.get().map(|choice| choice.name.as_str());
        let name = model.or(default).unwrap_or(OFFLINE);
        if name == OFFLINE {
            let client = self.client(OFFLINE, || Ok(Arc::new(OfflineClient::new())))?;
            return Ok(ResolvedModel { client, model: OFFLINE.to_owned() });
        }
        if let Some(path) = name.strip_prefix("scripted:") {
            let client = self.client(name, || Ok(Arc::new(script(path)?)))?;
            return Ok(ResolvedModel { client, model: name.to_owned() });
        }
        match name.split_once('/') {
            Some(("openai", model)) => {
                let client = self.client("openai", || Ok(Arc::new(self.openai()?)))?;
                Ok(ResolvedModel { client, model: model.to_owned() })
            }
            Some(("local", model)) => {
                let server = self.local.get().and_then(Option::as_ref);
                let server = server.ok_or_else(|| Error::Setup {
                    provider: "local".to_owned(),
                    reason: "no model server answers on this machine".to_owned(),
                })?;
                let config = Endpoint::new("local", &server.base_url);
                let client = self.client("local", || {
                    let http = HttpClient::new(&HttpOptions::default())?;
                    Ok(Arc::new(WireClient::new(config, OpenAi::default(), http)?))
                })?;
                Ok(ResolvedModel { client, model: model.to_owned() })
            }
            _ => Err(Error::UnknownModel { name: name.to_owned(), near: vec![] }),
        }
    }
}
