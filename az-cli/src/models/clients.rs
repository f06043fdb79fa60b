//! From a name to a client that can be asked, made when it is first needed.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use az_ai::client::LlmClient;
use az_ai::error::Error;
use az_ai::offline::OfflineClient;
use az_ai::pricing::{PriceBook, PricedClient};
use az_ai::provider::connect::connect;
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_ai::provider::openai::OpenAi;
use az_ai::provider::{Endpoint, WireClient};
use az_ai::recording::{Header, Pace, RecordedClient, ReplayClient};
use az_ai::resolver::{ModelResolver, ResolvedModel, near};
use az_ai::scripted::ScriptedClient;
use az_core::clock::SystemClock;

use super::access::{Access, base_url};
use super::demo::{self, DEMO};
use super::entries::{Entries, Entry};
use super::local::LocalServer;
use super::name::{AUTO, Name, OFFLINE};
use super::prices::Prices;
use crate::config::Env;

/// Under which provider's name recordings are booked: nobody else is paid for them.
const REPLAY: &str = "replay";

/// Makes clients, each once.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) entries: Entries,
    pub(super) env: Env,
    pub(super) prices: Prices,
    /// How fast the demonstration is played.
    pace: Pace,
    /// The server on this machine, once it was looked for.
    pub(super) local: OnceLock<Option<LocalServer>>,
    /// What to ask when nothing is named, once that was found out; or why there is nothing.
    pub(super) default: OnceLock<Result<String, String>>,
    http: OnceLock<HttpClient>,
    made: Mutex<HashMap<String, Arc<dyn LlmClient>>>,
}

impl Clients {
    pub(super) fn new(entries: Entries, env: Env, prices: Prices, pace: Pace) -> Self {
        Self {
            entries,
            env,
            prices,
            pace,
            local: OnceLock::new(),
            default: OnceLock::new(),
            http: OnceLock::new(),
            made: Mutex::default(),
        }
    }

    /// Returns what to ask when nothing is named.
    pub(super) fn default_name(&self) -> Result<&str, Error> {
        let reason = match self.default.get() {
            Some(Ok(name)) => return Ok(name),
            Some(Err(reason)) => reason,
            None => "none was chosen",
        };
        Err(Error::Setup { provider: "the default model".to_owned(), reason: reason.to_owned() })
    }

    /// Returns the one pool of connections.
    fn http(&self) -> Result<HttpClient, Error> {
        if let Some(http) = self.http.get() {
            return Ok(http.clone());
        }
        let http = HttpClient::new(&HttpOptions::default())?;
        Ok(self.http.get_or_init(|| http).clone())
    }

    /// Returns a client, the same for the same key.
    fn once(
        &self,
        key: &str,
        make: impl FnOnce() -> Result<Arc<dyn LlmClient>, Error>,
    ) -> Result<Arc<dyn LlmClient>, Error> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = made.get(key) {
            return Ok(Arc::clone(client));
        }
        let client = make()?;
        made.insert(key.to_owned(), Arc::clone(&client));
        Ok(client)
    }

    /// Returns the client of an entry as it speaks on the wire, without prices.
    pub(super) fn wire(&self, entry: &Entry) -> Result<Arc<WireClient>, Error> {
        let config = &entry.config;
        let key = match Access::of(entry, &self.env) {
            Access::Key(key, _) => Some(key),
            Access::Open => None,
            Access::Missing(how) => {
                let provider = config.name.clone();
                return Err(Error::Setup { provider, reason: format!("it has no key; {how}") });
            }
        };
        connect(config, key, base_url(entry, &self.env).as_deref(), self.http()?)
    }

    fn of_entry(&self, entry: &Entry) -> Result<Arc<dyn LlmClient>, Error> {
        self.once(&entry.config.name, || {
            let wire = self.wire(entry)?;
            self.prices.priced(wire, entry)
        })
    }

    fn of_local(&self) -> Result<Arc<dyn LlmClient>, Error> {
        let server = self.local.get().and_then(Option::as_ref).ok_or_else(|| Error::Setup {
            provider: "local".to_owned(),
            reason: "no model server answers on this machine".to_owned(),
        })?;
        self.once("local/", || {
            let endpoint = Endpoint::new("local", &server.base_url);
            let client = WireClient::new(endpoint, OpenAi::default(), self.http()?)?;
            // It runs on one's own machine, and nobody sends a bill.
            let (client, clock) = (Arc::new(client), Arc::new(SystemClock));
            Ok(Arc::new(PricedClient::new(client, PriceBook::bundled(), "llamacpp", clock)))
        })
    }

    /// Returns a client that records what another one says.
    fn recording(
        &self,
        name: &str,
        file: &str,
        model: Option<&str>,
    ) -> Result<ResolvedModel, Error> {
        let inner = match model.map_or_else(|| self.default_name(), Ok)? {
            loops if loops == AUTO || loops.starts_with("record:") => {
                return Err(Error::Setup {
                    provider: "record".to_owned(),
                    reason: format!(
                        "it records one model, and {loops:?} is none; name one as in \
                                     record:{file}@claude"
                    ),
                });
            }
            model => self.resolve(Some(model))?,
        };
        let client = self.once(name, || {
            let header = Header::of(&*inner.client, &inner.model);
            let recorded =
                RecordedClient::to_file(Arc::clone(&inner.client), &header, Path::new(file))?;
            Ok(Arc::new(recorded))
        })?;
        Ok(ResolvedModel { client, model: inner.model })
    }
}

/// Checks that a name which is made of a word and a file has the file.
fn with_file<'a>(provider: &str, file: &'a str) -> Result<&'a str, Error> {
    if !file.is_empty() {
        return Ok(file);
    }
    let reason = format!("name its file, as in {provider}:run.jsonl");
    Err(Error::Setup { provider: provider.to_owned(), reason })
}

/// Reads a file of the provider's that is none.
fn read(provider: &str, path: &str) -> Result<String, Error> {
    let path = with_file(provider, path)?;
    std::fs::read_to_string(path).map_err(|error| Error::Setup {
        provider: provider.to_owned(),
        reason: format!("{path}: {error}"),
    })
}

impl ModelResolver for Clients {
    fn resolve(&self, model: Option<&str>) -> Result<ResolvedModel, Error> {
        let name = model.map_or_else(|| self.default_name(), Ok)?;
        let (client, model) = match Name::read(name, &self.entries) {
            Name::Offline => {
                (self.once(OFFLINE, || Ok(Arc::new(OfflineClient::new())))?, OFFLINE.to_owned())
            }
            Name::Scripted { file } => {
                let make = || ScriptedClient::from_json_lines(&read("scripted", file)?);
                (self.once(name, || Ok(Arc::new(make()?)))?, name.to_owned())
            }
            Name::Replay { file } => {
                let replay = ReplayClient::from_json_lines(&read("replay", file)?)?;
                let model = replay.header().model.clone();
                (self.once(name, || Ok(Arc::new(replay.with_provider(REPLAY))))?, model)
            }
            Name::Demo => {
                let client = self.once(DEMO, || Ok(Arc::new(demo::client(self.pace)?)))?;
                (client, DEMO.to_owned())
            }
            Name::Record { file, model } => {
                return self.recording(name, with_file("record", file)?, model);
            }
            Name::Local { model } => (self.of_local()?, model.to_owned()),
            Name::Entry(entry) => {
                let model = entry.model().ok_or_else(|| Error::Setup {
                    provider: entry.config.name.clone(),
                    reason: format!("name its model, as in {}/MODEL", entry.config.name),
                })?;
                (self.of_entry(entry)?, model.to_owned())
            }
            Name::Of { provider, model } => (self.of_entry(provider)?, model.to_owned()),
            Name::Auto | Name::Unknown => {
                let near = near(name, self.entries.names());
                return Err(Error::UnknownModel { name: name.to_owned(), near });
            }
        };
        Ok(ResolvedModel { client, model })
    }
}
