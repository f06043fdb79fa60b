//! From a name to a client, which is created when it is first needed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use az_core::Clock;

use super::entries::{Entries, Entry};
use super::environment::{Access, base_url, displayed_url};
use super::invalid::ConnectError;
use super::options::ConnectOptions;
use crate::client::LlmClient;
use crate::config::LlmConfig;
use crate::error::{Error, Result};
use crate::model_name::ModelName;
use crate::offline::OfflineClient;
use crate::pricing::{PriceBook, PricedClient};
use crate::provider::connect::connect;
use crate::provider::http::HttpClient;
use crate::provider::openai::OpenAi;
use crate::provider::{Endpoint, WireClient};
use crate::recording::{Header, RecordedClient, ReplayClient};
use crate::resolver::{ModelResolver, ResolvedModel, near};
use crate::scripted::ScriptedClient;

/// The provider that calls to recordings are booked under.
const REPLAY: &str = "replay";

/// The models of a configuration, by their names.
///
/// It resolves every form of [`ModelName`] but `auto`, which is the choice of a
/// [`ConnectedModels`](super::ConnectedModels). A client is created when it is first asked for, and
/// once.
#[derive(Debug)]
pub struct ModelCatalog {
    entries: Entries,
    options: ConnectOptions,
    cost_tracking: bool,
    pub(super) fallback_enabled: bool,
    pub(super) default_provider: Option<String>,
    default: OnceLock<Result<String, String>>,
    local: OnceLock<String>,
    http: OnceLock<HttpClient>,
    clients: Mutex<HashMap<String, ResolvedModel>>,
}

/// An entry that a name refers to.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Target<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// The model; `None` if the entry has none and the name does not say it.
    pub model: Option<&'a str>,
}

impl ModelCatalog {
    /// Creates the models of a configuration. Nothing is looked up or sent.
    ///
    /// # Errors
    ///
    /// [`ConnectError`] for an invalid entry, or a default that is not a model.
    pub fn new(config: &LlmConfig, options: ConnectOptions) -> Result<Self, ConnectError> {
        let reserved: Vec<_> = options.models.keys().map(String::as_str).collect();
        let mut entries = Entries::new(&config.providers, &reserved)?;
        for (provider, url) in &options.base_urls {
            entries.set_default_base_url(provider, url);
        }
        let catalog = Self {
            entries,
            options,
            cost_tracking: config.cost_tracking,
            fallback_enabled: config.fallback_enabled,
            default_provider: config.default_provider.clone(),
            default: OnceLock::new(),
            local: OnceLock::new(),
            http: OnceLock::new(),
            clients: Mutex::default(),
        };
        catalog.check_default()?;
        Ok(catalog)
    }

    /// Returns the entries.
    pub const fn entries(&self) -> &Entries {
        &self.entries
    }

    /// Returns the prices, without those that entries have in the configuration.
    pub const fn prices(&self) -> &PriceBook {
        &self.options.prices
    }

    /// Returns the prices with those of an entry, and the provider that the entry is priced as.
    pub fn prices_of(&self, entry: &Entry) -> (PriceBook, String) {
        let provider = entry.priced_as();
        (self.options.prices.clone().with_entry(&provider, &entry.config), provider)
    }

    /// Returns the clock that prices depend on.
    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.options.clock)
    }

    /// Looks up the key of an entry.
    pub fn access(&self, entry: &Entry) -> Access {
        Access::of(entry, &self.options.environment)
    }

    /// Returns the address of an entry's provider if it is not the usual one, without secrets.
    pub fn base_url(&self, entry: &Entry) -> Option<String> {
        base_url(entry, &self.options.environment).map(|url| displayed_url(&url))
    }

    /// Returns the entries that have a model and a key, each with where the key is from.
    pub fn with_keys(&self) -> impl Iterator<Item = (&Entry, String)> {
        let with_model = self.entries.iter().filter(|entry| entry.model().is_some());
        with_model.filter_map(|entry| match self.access(entry) {
            Access::Key(_, from) => Some((entry, from)),
            Access::Open | Access::Missing(_) => None,
        })
    }

    /// Returns the entry that a name refers to; `None` for a name of another form, and for one that
    /// is unknown.
    pub fn target<'a>(&'a self, name: &'a ModelName) -> Option<Target<'a>> {
        match name {
            ModelName::Named(name) => {
                let entry = self.entries.find(name)?;
                Some(Target { entry, model: entry.model() })
            }
            ModelName::Qualified { provider, model } => {
                let entry = self.entries.find_provider(provider)?;
                Some(Target { entry, model: Some(model) })
            }
            _ => None,
        }
    }

    /// Whether the name is that of a model that the options added.
    pub fn is_added(&self, name: &ModelName) -> bool {
        matches!(name, ModelName::Named(name) if self.options.models.contains_key(name))
    }

    /// Sets the model that is used when none is named, or why there is none. The first one stays.
    pub fn set_default(&self, name: Result<String, String>) {
        self.default.get_or_init(|| name);
    }

    /// Sets the address of the server whose models are called `local/MODEL`. The first one stays.
    pub fn set_local_server(&self, base_url: impl Into<String>) {
        self.local.get_or_init(|| base_url.into());
    }

    /// Returns the model that is used when none is named.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] with why there is none.
    pub fn default_name(&self) -> Result<&str> {
        let reason = match self.default.get() {
            Some(Ok(name)) => return Ok(name),
            Some(Err(reason)) => reason,
            None => "none was chosen",
        };
        Err(Error::Setup { provider: "the default model".to_owned(), reason: reason.to_owned() })
    }

    /// Creates the client of an entry as it speaks to the provider, without prices.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] if there is no key, or the entry cannot be used.
    pub fn wire_client(&self, entry: &Entry) -> Result<Arc<WireClient>> {
        let config = &entry.config;
        let key = match self.access(entry) {
            Access::Key(key, _) => Some(key),
            Access::Open => None,
            Access::Missing(how) => {
                let provider = config.name.clone();
                return Err(Error::Setup { provider, reason: format!("it has no key; {how}") });
            }
        };
        let url = base_url(entry, &self.options.environment);
        connect(config, key, url.as_deref(), self.http()?)
    }

    fn check_default(&self) -> Result<(), ConnectError> {
        let Some(name) = &self.default_provider else { return Ok(()) };
        let parsed = name.parse::<ModelName>().ok();
        let known = parsed.as_ref().is_some_and(|parsed| match parsed {
            ModelName::Auto => false,
            ModelName::Named(_) | ModelName::Qualified { .. } => {
                self.target(parsed).is_some() || self.is_added(parsed)
            }
            _ => true,
        });
        if !known {
            let near = near(name, self.entries.names().chain(["offline"]));
            return Err(ConnectError::UnknownDefault { name: name.clone(), near });
        }
        match parsed.as_ref().and_then(|parsed| self.target(parsed)) {
            Some(Target { model: None, .. }) => {
                Err(ConnectError::DefaultWithoutModel { name: name.clone() })
            }
            _ => Ok(()),
        }
    }

    /// Returns the one pool of connections.
    fn http(&self) -> Result<HttpClient> {
        if let Some(http) = self.http.get() {
            return Ok(http.clone());
        }
        let http = HttpClient::new(&self.options.http)?;
        Ok(self.http.get_or_init(|| http).clone())
    }

    /// Returns a client with its default model, the same for the same key.
    fn once(
        &self,
        key: &str,
        create: impl FnOnce() -> Result<ResolvedModel>,
    ) -> Result<ResolvedModel> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.get(key) {
            return Ok(known.clone());
        }
        let created = create()?;
        clients.insert(key.to_owned(), created.clone());
        Ok(created)
    }

    fn of_entry(&self, Target { entry, model }: Target<'_>) -> Result<ResolvedModel> {
        let name = &entry.config.name;
        let model = model.ok_or_else(|| Error::Setup {
            provider: name.clone(),
            reason: format!("name its model, as in {name}/MODEL"),
        })?;
        let client = self.once(name, || {
            let wire = self.wire_client(entry)?;
            if !self.cost_tracking {
                return Ok(resolved(wire, model));
            }
            let (book, provider) = self.prices_of(entry);
            let clock = self.clock();
            Ok(resolved(Arc::new(PricedClient::new(wire, book, provider, clock)), model))
        })?;
        Ok(resolved(client.client, model))
    }

    fn of_local(&self, model: &str) -> Result<ResolvedModel> {
        let base_url = self.local.get().ok_or_else(|| Error::Setup {
            provider: "local".to_owned(),
            reason: "no model server answers on this machine".to_owned(),
        })?;
        let client = self.once("local/", || {
            let endpoint = Endpoint::new("local", base_url);
            let wire = Arc::new(WireClient::new(endpoint, OpenAi::default(), self.http()?)?);
            // Calls to a server on this machine are free, as those to llama.cpp are.
            let clock = self.clock();
            let priced = PricedClient::new(wire, PriceBook::bundled(), "llamacpp", clock);
            Ok(resolved(Arc::new(priced), model))
        })?;
        Ok(resolved(client.client, model))
    }

    /// Returns a client that records the replies of another one.
    fn recording(
        &self,
        name: &str,
        file: &str,
        model: Option<&ModelName>,
    ) -> Result<ResolvedModel> {
        let inner = match model {
            Some(model) => self.resolve_name(model)?,
            None => self.recordable_default(file)?,
        };
        self.once(name, || {
            let header = Header::of(&*inner.client, &inner.model);
            let client = RecordedClient::to_file(inner.client, &header, Path::new(file))?;
            Ok(resolved(Arc::new(client), inner.model))
        })
    }

    fn recordable_default(&self, file: &str) -> Result<ResolvedModel> {
        let name: ModelName = self.default_name()?.parse()?;
        if matches!(name, ModelName::Auto | ModelName::Record { .. }) {
            let name = name.to_string();
            let reason = format!(
                "it records one model, and {name:?} is not one; name a model, as in \
                 record:{file}@claude"
            );
            return Err(Error::Setup { provider: "record".to_owned(), reason });
        }
        self.resolve_name(&name)
    }

    fn unknown(&self, name: &ModelName) -> Error {
        let name = name.to_string();
        let near = near(&name, self.entries.names());
        Error::UnknownModel { name, near }
    }

    /// Finds the client and the provider's own name for a model.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownModel`], or [`Error::Setup`] for a model that cannot be used as it is set up.
    pub fn resolve_name(&self, name: &ModelName) -> Result<ResolvedModel> {
        match name {
            ModelName::Auto => Err(self.unknown(name)),
            ModelName::Offline => {
                self.once("offline", || Ok(resolved(Arc::new(OfflineClient::new()), "offline")))
            }
            ModelName::Local { model } => self.of_local(model),
            ModelName::Qualified { .. } => {
                self.of_entry(self.target(name).ok_or_else(|| self.unknown(name))?)
            }
            ModelName::Named(text) => match self.options.models.get(text) {
                Some(create) => self.once(text, || create()),
                None => self.of_entry(self.target(name).ok_or_else(|| self.unknown(name))?),
            },
            ModelName::Record { file, model } => {
                self.recording(&name.to_string(), file, model.as_deref())
            }
            ModelName::Replay { file } => self.once(&name.to_string(), || {
                let replay = ReplayClient::from_json_lines(&read("replay", file)?)?;
                let model = replay.header().model.clone();
                Ok(resolved(Arc::new(replay.with_provider(REPLAY)), model))
            }),
            ModelName::Scripted { file } => self.once(&name.to_string(), || {
                let client = ScriptedClient::from_json_lines(&read("scripted", file)?)?;
                Ok(resolved(Arc::new(client), name.to_string()))
            }),
        }
    }
}

impl ModelResolver for ModelCatalog {
    fn resolve(&self, model: Option<&str>) -> Result<ResolvedModel> {
        self.resolve_name(&model.map_or_else(|| self.default_name(), Ok)?.parse()?)
    }
}

fn resolved(client: Arc<dyn LlmClient>, model: impl Into<String>) -> ResolvedModel {
    ResolvedModel { client, model: model.into() }
}

/// Reads a file that a name refers to.
fn read(form: &str, path: &str) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| Error::Setup {
        provider: form.to_owned(),
        reason: format!("{path}: {error}"),
    })
}
