//! Resolves names to clients, which are created on first use.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

use az_core::Clock;

use super::entries::{Entries, Entry};
use super::environment::{Access, base_url};
use super::invalid::ConnectError;
use super::options::ConnectOptions;
use crate::client::LearnedFacts;
use crate::config::LlmConfig;
use crate::error::{Error, Result};
use crate::model_name::ModelName;
use crate::pricing::PriceBook;
use crate::provider::WireClient;
use crate::provider::connect::connect;
use crate::provider::http::HttpClient;
use crate::provider::network::{displayed_url, host_of, is_loopback};
use crate::resolver::{ResolvedModel, near};

/// The models of a configuration, by their names.
///
/// It resolves every form of [`ModelName`] but `auto`, which is the choice of a
/// [`ConnectedModels`](super::ConnectedModels). A client is created when it is first asked for, and
/// once.
#[derive(Debug)]
pub struct ModelCatalog {
    pub(super) entries: Entries,
    pub(super) options: ConnectOptions,
    pub(super) cost_tracking: bool,
    pub(super) fallback_enabled: bool,
    pub(super) default_provider: Option<String>,
    pub(super) default: OnceLock<Result<String, String>>,
    pub(super) local: OnceLock<String>,
    pub(super) http: OnceLock<HttpClient>,
    pub(super) clients: Mutex<HashMap<String, ResolvedModel>>,
    pub(super) learned: LearnedFacts,
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
            learned: LearnedFacts::default(),
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
        let mut prices = self.options.prices.clone();
        if self.is_own_server(entry) {
            prices = prices.with_free(&provider);
        }
        (prices.with_entry(&provider, &entry.config), provider)
    }

    /// Whether an entry's provider is a server on this machine that needs no key. With a key it may be
    /// a gateway to a provider that bills its calls.
    fn is_own_server(&self, entry: &Entry) -> bool {
        let configured = base_url(entry, &self.options.environment);
        let url = configured.as_deref().or(entry.provider.base_url).unwrap_or_default();
        let is_own = |host: &str| {
            let own_name = self.options.host_name.as_deref();
            is_loopback(host) || own_name.is_some_and(|name| name.eq_ignore_ascii_case(host))
        };
        host_of(url).is_some_and(|host| is_own(&host)) && self.access(entry) == Access::Open
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
        let http = self.http()?.with_limits_of(config);
        connect(config, key, url.as_deref(), (http, self.learned.clone()))
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
}
