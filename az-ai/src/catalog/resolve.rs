//! From a name to a client, which is created when it is first needed.

use std::path::Path;
use std::sync::{Arc, PoisonError};

use super::clients::{ModelCatalog, Target};
use crate::client::LlmClient;
use crate::error::{Error, Result};
use crate::model_name::ModelName;
use crate::offline::OfflineClient;
use crate::pricing::{PriceBook, PricedClient};
use crate::provider::http::HttpClient;
use crate::provider::openai::OpenAi;
use crate::provider::{Endpoint, WireClient};
use crate::recording::{Header, RecordedClient, ReplayClient};
use crate::resolver::{ModelResolver, ResolvedModel, near};
use crate::scripted::ScriptedClient;

/// The provider that calls to recordings are booked under.
const REPLAY: &str = "replay";

impl ModelCatalog {
    /// Returns the one pool of connections.
    pub(super) fn http(&self) -> Result<HttpClient> {
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
            let endpoint = endpoint.describing_models().with_learned(self.learned.clone());
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
