//! Chooses the model of a task.

use std::sync::{Arc, OnceLock};

use az_ai::catalog::{
    ConnectError, ConnectOptions, ConnectedModels, Entries, Entry, ModelCatalog, displayed_url,
};
use az_ai::config::{LlmConfig, RoutingRule};
use az_ai::model_name::{ModelName, ModelNameProblem};
use az_ai::provider::http::HttpOptions;
use az_ai::recording::Pace;
use az_ai::resolver::near;
use az_core::clock::SystemClock;
use az_core::{Clock, ErrorKind};

use super::demo::{self, DEMO};
use super::environment::environment;
use super::loading::LoadingWait;
use super::local::{self, LocalServer};
use super::prices::read_prices;
use super::rules;
use super::unknown::{invalid_name, to_cli, unknown_model};
use crate::config::Env;
use crate::error::CliError;
use crate::identity::host_name;
use crate::output::Printer;
use crate::settings::Settings;

/// A model that was chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChosenModel {
    /// Its name, by which it is found again.
    pub name: String,
    why: String,
}

impl ChosenModel {
    fn new(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { name: name.into(), why: why.into() }
    }

    /// Whether the choice is left to the routing rules.
    pub fn is_auto(&self) -> bool {
        self.name.parse() == Ok(ModelName::Auto)
    }

    /// Returns why it was chosen.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// Returns what was chosen, and why.
    pub fn in_words(&self) -> String {
        format!("model {}: {}", self.name, self.why)
    }
}

/// Chooses the model of a task: by its name, the configuration, the keys in the environment, and the
/// model servers on this machine.
#[derive(Debug)]
pub struct ModelChooser {
    settings: Settings,
    catalog: Arc<ModelCatalog>,
    connected: OnceLock<Arc<ConnectedModels>>,
    /// The server on this machine, once it was looked for.
    local: tokio::sync::OnceCell<Option<LocalServer>>,
    pub(super) loading: LoadingWait,
    pub(super) http: HttpOptions,
    /// The default, which is chosen once.
    default: tokio::sync::OnceCell<ChosenModel>,
}

impl ModelChooser {
    /// Creates a chooser of the configured models. Nothing is looked for yet.
    ///
    /// # Errors
    ///
    /// A settings error for invalid entries, prices or defaults.
    pub fn new(
        settings: Settings,
        env: &Env,
        pace: Pace,
        printer: &Printer,
    ) -> Result<Self, CliError> {
        let http = settings.http_options(env)?;
        let catalog = catalog(&settings, env, pace, http.clone())?;
        let loading = LoadingWait::new(settings.llm.timeouts.loading_wait(), printer.clone());
        Ok(Self {
            settings,
            loading,
            http,
            catalog: Arc::new(catalog),
            connected: OnceLock::new(),
            local: tokio::sync::OnceCell::new(),
            default: tokio::sync::OnceCell::new(),
        })
    }

    /// Returns the models by their names.
    pub fn catalog(&self) -> &ModelCatalog {
        &self.catalog
    }

    /// Returns the models behind the configured routing rules.
    ///
    /// # Errors
    ///
    /// A settings error with the locations of all that is wrong with the rules.
    pub fn connected(&self) -> Result<Arc<ConnectedModels>, CliError> {
        if let Some(connected) = self.connected.get() {
            return Ok(Arc::clone(connected));
        }
        let connected = self.connected_by(rules::configured(&self.settings)?)?;
        Ok(Arc::clone(self.connected.get_or_init(|| Arc::new(connected))))
    }

    /// Returns the models behind these routing rules.
    ///
    /// # Errors
    ///
    /// A settings error with the locations of all that is wrong with the rules.
    pub fn connected_by(&self, rules: Vec<RoutingRule>) -> Result<ConnectedModels, CliError> {
        let connected = ConnectedModels::new(Arc::clone(&self.catalog), rules);
        connected.map_err(|error| rules::invalid_rules(&error))
    }

    /// Chooses the model named, else the configured one, else one that the environment gives access
    /// to, else one on this machine, else `offline`.
    ///
    /// # Errors
    ///
    /// When a name is unknown, its provider is not set up, or the rules are invalid.
    pub async fn choose(&self, named: Option<&str>) -> Result<ChosenModel, CliError> {
        // Invalid rules are reported before a task begins.
        self.connected()?;
        match named {
            Some(name) => self.named(name, "requested").await,
            None => self.default.get_or_try_init(|| self.choose_default()).await.cloned(),
        }
    }

    async fn choose_default(&self) -> Result<ChosenModel, CliError> {
        let chosen = match self.configured() {
            Some((name, why)) => Box::pin(self.named(&name, &why)).await?,
            None => self.found().await?,
        };
        self.catalog.set_default(Ok(chosen.name.clone()));
        Ok(chosen)
    }

    /// Settles the default for tasks that name no model; returns why there is none, if so. Such tasks
    /// then fail for that reason, rather than being given to another model.
    ///
    /// # Errors
    ///
    /// A settings error for invalid rules: they concern every task.
    pub async fn settle_default(&self) -> Result<Option<String>, CliError> {
        self.connected()?;
        let Err(error) = self.choose(None).await else { return Ok(None) };
        let why = error.to_string();
        self.catalog.set_default(Err(why.clone()));
        Ok(Some(why))
    }

    /// Checks a name, and looks up what it needs.
    async fn named(&self, name: &str, why: &str) -> Result<ChosenModel, CliError> {
        let parsed: ModelName = name.parse().map_err(|error| invalid_name(&error))?;
        let full = match &parsed {
            ModelName::Auto => return Ok(ChosenModel::new(name, why)),
            ModelName::Local { model } => self.local_model(name, model).await?,
            ModelName::Record { model: None, file } => {
                self.check_default_is_recordable(file)?;
                Box::pin(self.choose(None)).await?;
                name.to_owned()
            }
            ModelName::Record { model: Some(model), file } => {
                let inner = Box::pin(self.named(&model.to_string(), why)).await?;
                format!("record:{file}@{}", inner.name)
            }
            ModelName::Named(_) | ModelName::Qualified { .. } if !self.is_known(&parsed) => {
                match self.catalog.prices().maker_of(name, SystemClock.now()) {
                    Some(provider) => format!("{provider}/{name}"),
                    None if self.has_openai() => format!("openai/{name}"),
                    None => self.local_model(name, name).await?,
                }
            }
            _ => name.to_owned(),
        };
        let full_name = full.parse().map_err(|error| invalid_name(&error))?;
        self.catalog.resolve_name(&full_name).map_err(to_cli)?;
        Ok(ChosenModel::new(full, why))
    }

    fn is_known(&self, name: &ModelName) -> bool {
        self.catalog.target(name).is_some() || self.catalog.is_added(name)
    }

    /// Refuses to record the default model if the default is that very recording.
    fn check_default_is_recordable(&self, file: &str) -> Result<(), CliError> {
        let Some((name, _)) = self.configured() else { return Ok(()) };
        if !matches!(name.parse(), Ok(ModelName::Record { model: None, .. })) {
            return Ok(());
        }
        let problem = ModelNameProblem::NotRecordable { file: file.to_owned() };
        Err(CliError::Settings(format!("invalid model name {name:?}: {problem}")))
    }

    async fn local_model(&self, name: &str, model: &str) -> Result<String, CliError> {
        let server = self.local_server().await?;
        let models = server.map(|server| server.models.as_slice()).unwrap_or_default();
        if models.iter().any(|known| known.name == model) {
            return Ok(format!("local/{model}"));
        }
        if server.is_none() && name != model {
            return Err(no_local_server(name));
        }
        let known: Vec<_> = models.iter().map(|model| format!("local/{}", model.name)).collect();
        let entries = self.catalog.entries().names().chain(["auto", "offline"]);
        Err(unknown_model(name, &near(name, known.iter().map(String::as_str).chain(entries))))
    }

    /// Returns the default that is configured, if there is one, and where.
    fn configured(&self) -> Option<(String, String)> {
        if let Some((name, set_by)) = &self.settings.model {
            return Some((name.clone(), format!("configured by {set_by}")));
        }
        let llm = &self.settings.llm;
        if !llm.routing_rules.is_empty() || llm.routing_file.is_some() {
            let why = "by the routing rules of the configuration";
            return Some((ModelName::Auto.to_string(), why.to_owned()));
        }
        let why = "configured by llm.default_provider";
        let default = llm.default_provider.clone().map(|name| (name, why.to_owned()));
        default.or_else(|| {
            let first = llm.providers.first()?;
            Some((first.name.clone(), "the first of llm.providers".to_owned()))
        })
    }

    /// Finds a model that can be used without any configuration.
    async fn found(&self) -> Result<ChosenModel, CliError> {
        let openai = self.catalog.entries().find("openai");
        if let Some(openai) = openai.filter(|entry| !entry.configured)
            && let Some(url) = self.catalog.base_url(openai)
        {
            return self.first_of(openai, &url).await;
        }
        if let Some((entry, from)) = self.catalog.with_keys().next() {
            let model = entry.model().unwrap_or_default();
            let why = format!("{model} of {}, whose key is in {from}", entry.provider.name);
            return Ok(ChosenModel::new(&entry.config.name, why));
        }
        if let Some(server) = self.local_server().await?
            && let Some(model) = server.first_model()
        {
            let why = format!("a model server answers at {}", displayed_url(&server.base_url));
            return Ok(ChosenModel::new(format!("local/{model}"), why));
        }
        let why = "no key in the environment and no model server on this machine; \
                   `offline` is a planner for a small language, not a model";
        Ok(ChosenModel::new(ModelName::Offline.to_string(), why))
    }

    /// Returns the first model that a configured server offers and that chats.
    async fn first_of(&self, entry: &Entry, url: &str) -> Result<ChosenModel, CliError> {
        let client = self.catalog.wire_client(entry).map_err(to_cli)?;
        let refused = |message: String, kind| CliError::Model {
            message,
            help:
                "check that the server runs and has a model, or name another model with --model or \
                   AZ_MODEL; `offline` needs none"
                    .to_owned(),
            kind,
        };
        let models = self.loading.models(&client, url).await;
        let models = models.map_err(|error| refused(error.chain(), error.kind()))?;
        if let Some(model) = models.iter().find(|model| model.chats) {
            let name = format!("{}/{}", entry.config.name, model.name);
            return Ok(ChosenModel::new(name, format!("the first that {url} offers")));
        }
        let names: Vec<_> = models.iter().map(|model| model.name.as_str()).collect();
        let what = match names.as_slice() {
            [] => format!("{url} offers no models"),
            names => format!("{url} offers no model that chats, only {}", names.join(", ")),
        };
        Err(refused(what, ErrorKind::Unavailable))
    }

    /// Looks for a server on this machine, once.
    async fn local_server(&self) -> Result<Option<&LocalServer>, CliError> {
        let look = async || {
            let found = local::find(&self.loading).await.map_err(|error| CliError::Model {
                message: error.chain(),
                help: "wait until the server has loaded its model, or name another model with \
                       --model or AZ_MODEL; llm.timeouts.loading_seconds allows a longer wait"
                    .to_owned(),
                kind: error.kind(),
            })?;
            if let Some(server) = &found {
                self.catalog.set_local_server(&server.base_url);
            }
            Ok::<_, CliError>(found)
        };
        Ok(self.local.get_or_try_init(look).await?.as_ref())
    }

    fn has_openai(&self) -> bool {
        let openai = self.catalog.entries().find("openai");
        openai.is_some_and(|entry| self.catalog.access(entry).is_usable())
    }
}

/// Returns the error of a model on this machine when no server runs here.
fn no_local_server(name: &str) -> CliError {
    CliError::Model {
        message: format!(
            "{name}: no model server listens on this machine (ports {})",
            local::PORTS.map(|port| port.to_string()).join(", ")
        ),
        help:
            "start Ollama, LM Studio, llama.cpp or vLLM; a server at another address is named by \
               OPENAI_BASE_URL or llm.base_url"
                .to_owned(),
        kind: ErrorKind::Unavailable,
    }
}

/// Creates the catalog of the configured models.
fn catalog(
    settings: &Settings,
    env: &Env,
    pace: Pace,
    http: HttpOptions,
) -> Result<ModelCatalog, CliError> {
    let llm = &settings.llm;
    let mut config = LlmConfig::default()
        .with_providers(llm.providers.iter().cloned())
        .with_cost_tracking(llm.cost_tracking)
        .with_fallback(llm.fallback_enabled);
    config.default_provider.clone_from(&llm.default_provider);
    let refused = |error: ConnectError| invalid_config(settings, &error);
    let entries = Entries::new(&llm.providers, &[DEMO]).map_err(|error| refused(error.into()))?;
    let mut options = ConnectOptions::default()
        .with_environment(environment(env, &settings.file))
        .with_prices(read_prices(settings, &entries)?)
        .with_http(http)
        .with_host_name(host_name())
        .with_model(DEMO, demo::model(pace));
    if let (Some(url), None) = (&llm.base_url, env.get("OPENAI_BASE_URL")) {
        options = options.with_base_url("openai", url);
    }
    ModelCatalog::new(&config, options).map_err(refused)
}

/// Returns the error of an invalid configuration with the location of the setting.
fn invalid_config(settings: &Settings, error: &ConnectError) -> CliError {
    let key = match error {
        ConnectError::Entry(invalid) => format!("llm.providers[{}]", invalid.index),
        ConnectError::Rules(_) => "llm.routing_rules".to_owned(),
        _ => "llm.default_provider".to_owned(),
    };
    settings.file.problem(&key, &error.to_string()).into()
}
