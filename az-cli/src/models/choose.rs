//! From a name, or none, to a model.

use std::sync::{Arc, OnceLock};

use az_ai::config::RoutingRule;
use az_ai::error::Error;
use az_ai::recording::Pace;
use az_ai::resolver::{
    CallReport, Candidate, ModelResolver, QueryInputs, ResolvedModel, RoutingQuery, near,
};
use az_ai::routing::RuleRouter;

use super::access::Access;
use super::clients::Clients;
use super::entries::{Entries, Entry};
use super::local;
use super::name::{AUTO, Name, OFFLINE};
use super::prices::Prices;
use super::rules;
use super::unknown::{did_you_mean, to_cli, unknown_model};
use crate::config::Env;
use crate::error::CliError;
use crate::settings::Settings;

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

    /// Whether the choice is left to the rules.
    pub fn is_auto(&self) -> bool {
        self.name == AUTO
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
    clients: Arc<Clients>,
    router: OnceLock<Arc<RuleRouter>>,
    looked: tokio::sync::OnceCell<()>,
    default: OnceLock<Choice>,
}

impl ModelChooser {
    /// Returns a chooser that has looked nowhere yet.
    ///
    /// # Errors
    ///
    /// A settings error for entries that cannot be.
    pub fn new(settings: Settings, env: Env, pace: Pace) -> Result<Self, CliError> {
        let entries = Entries::new(&settings.llm.providers);
        let entries = entries.map_err(|what| settings.file.problem("llm.providers", &what))?;
        let mut entries = entries.beside(&settings.file);
        check(&settings, &entries)?;
        if let (Some(url), None) = (&settings.llm.base_url, env.get("OPENAI_BASE_URL")) {
            entries.move_everybodys("openai", url);
        }
        let prices = Prices::new(settings.clone(), &entries);
        Ok(Self {
            clients: Arc::new(Clients::new(entries, env, prices, pace)),
            settings,
            router: OnceLock::new(),
            looked: tokio::sync::OnceCell::new(),
            default: OnceLock::new(),
        })
    }

    /// Returns the entries.
    pub fn entries(&self) -> &Entries {
        &self.clients.entries
    }

    pub(super) fn env(&self) -> &Env {
        &self.clients.env
    }

    /// Returns the prices.
    pub fn prices(&self) -> &Prices {
        &self.clients.prices
    }

    /// Returns what is known of an entry's key.
    pub fn access(&self, entry: &Entry) -> Access {
        Access::of(entry, &self.clients.env)
    }

    /// Chooses: the model named, else the configured one, else one that the environment gives
    /// access to, else one on this machine, else `offline`.
    ///
    /// # Errors
    ///
    /// When a name is unknown, or its provider is not set up, or the rules make no sense.
    pub async fn choose(&self, named: Option<&str>) -> Result<Choice, CliError> {
        // Rules that make no sense are told at once, and not in the middle of a task.
        self.router()?;
        if let Some(name) = named {
            return self.named(name, "as asked").await;
        }
        if let Some(choice) = self.default.get() {
            return Ok(choice.clone());
        }
        let choice = match (&self.settings.model, self.configured()) {
            (Some((name, said_by)), _) => {
                self.named(name, &format!("configured by {said_by}")).await?
            }
            (None, Some((name, why))) => self.named(&name, &why).await?,
            (None, None) => self.found().await?,
        };
        self.clients.default.get_or_init(|| Ok(choice.name.clone()));
        Ok(self.default.get_or_init(|| choice).clone())
    }

    /// Settles the default for tasks that name no model; returns why there is none, if so. Such
    /// tasks then fail for that reason, rather than being done by somebody else.
    ///
    /// # Errors
    ///
    /// A settings error for rules that make no sense: they concern every task.
    pub async fn settle_default(&self) -> Result<Option<String>, CliError> {
        self.router()?;
        let Err(error) = self.choose(None).await else { return Ok(None) };
        let why = error.to_string();
        self.clients.default.get_or_init(|| Err(why.clone()));
        Ok(Some(why))
    }

    /// Whether rules have a say in what follows a model: a script, a recording and the planner stand
    /// for themselves.
    pub fn is_routed(&self, name: &str) -> bool {
        let name = Name::read(name, self.entries());
        matches!(name, Name::Auto | Name::Entry(_) | Name::Of { .. } | Name::Local { .. })
    }

    pub(super) fn clients(&self) -> &Clients {
        &self.clients
    }

    /// Returns the engine that routes by the configured rules.
    ///
    /// # Errors
    ///
    /// A settings error with the place of all that is wrong with them.
    pub fn router(&self) -> Result<Arc<RuleRouter>, CliError> {
        if let Some(router) = self.router.get() {
            return Ok(Arc::clone(router));
        }
        let rules = rules::configured(&self.settings)?;
        let router = self.routing_by(rules)?;
        Ok(Arc::clone(self.router.get_or_init(|| router)))
    }

    /// Returns an engine that routes by these rules.
    ///
    /// # Errors
    ///
    /// A settings error with the place of all that is wrong with them.
    pub fn routing_by(&self, rules: Vec<RoutingRule>) -> Result<Arc<RuleRouter>, CliError> {
        let models: Arc<dyn ModelResolver> = Arc::<Clients>::clone(&self.clients);
        let default = self.default_name(&rules);
        rules::router(models, self.entries(), &self.settings, &default, rules)
    }

    /// Checks a name, and looks up what it needs.
    async fn named(&self, name: &str, why: &str) -> Result<Choice, CliError> {
        let full = match Name::read(name, self.entries()) {
            Name::Auto => {
                self.router()?;
                return Ok(Choice::new(AUTO, why));
            }
            Name::Local { model } => self.local_model(name, model).await?,
            Name::Record { model: None, file } => {
                self.check_default_is_no_recording(file)?;
                Box::pin(self.choose(None)).await?;
                name.to_owned()
            }
            Name::Record { model: Some(model), file } => {
                if matches!(Name::read(model, self.entries()), Name::Record { .. }) {
                    return Err(records_itself(name, file));
                }
                let inner = Box::pin(self.named(model, why)).await?;
                format!("record:{file}@{}", inner.name)
            }
            Name::Unknown => match self.prices().provider_of(name)? {
                Some(provider) => format!("{provider}/{name}"),
                None if self.has_openai() => format!("openai/{name}"),
                None => self.local_model(name, name).await?,
            },
            _ => name.to_owned(),
        };
        self.clients.resolve(Some(&full)).map_err(to_cli)?;
        Ok(Choice::new(full, why))
    }

    /// A recording of the default model is none when the default is that very recording.
    fn check_default_is_no_recording(&self, file: &str) -> Result<(), CliError> {
        let named = self.settings.model.clone().map(|(name, _)| name);
        let default = named.or_else(|| self.configured().map(|(name, _)| name));
        let default = default.unwrap_or_default();
        if !matches!(Name::read(&default, self.entries()), Name::Record { model: None, .. }) {
            return Ok(());
        }
        Err(records_itself(&default, file))
    }

    async fn local_model(&self, name: &str, model: &str) -> Result<String, CliError> {
        self.look_around().await;
        let server = self.clients.local.get().and_then(Option::as_ref);
        let models = server.map(|server| server.models.as_slice()).unwrap_or_default();
        if models.iter().any(|known| known == model) {
            return Ok(format!("local/{model}"));
        }
        let known: Vec<_> = models.iter().map(|model| format!("local/{model}")).collect();
        let entries = self.entries().names().chain([AUTO, OFFLINE]);
        Err(unknown_model(name, &near(name, known.iter().map(String::as_str).chain(entries))))
    }

    /// Returns what the configuration says about the default, if it does.
    fn configured(&self) -> Option<(String, String)> {
        let llm = &self.settings.llm;
        if !llm.routing_rules.is_empty() || llm.routing_file.is_some() {
            return Some((AUTO.to_owned(), "by the routing rules of the configuration".to_owned()));
        }
        let why = "configured by llm.default_provider";
        let default = llm.default_provider.clone().map(|name| (name, why.to_owned()));
        default.or_else(|| {
            let first = llm.providers.first()?;
            Some((first.name.clone(), "the first of llm.providers".to_owned()))
        })
    }

    /// Returns who is asked when no rule says otherwise. Whoever writes rules means models: the
    /// planner stands in for them only when there is nobody else at all.
    fn default_name(&self, rules: &[RoutingRule]) -> String {
        let llm = &self.settings.llm;
        let name_of = |entry: &Entry| entry.config.name.clone();
        let first = || llm.providers.first().map(|config| config.name.clone());
        let with_key = || self.with_keys().next().map(|(entry, _)| name_of(entry));
        let of_rules = || rules.first().map(|rule| rule.provider.clone());
        let default = llm.default_provider.clone().or_else(first);
        default.or_else(with_key).or_else(of_rules).unwrap_or_else(|| OFFLINE.to_owned())
    }

    /// Lists the entries that have a model and a key, with where it is from.
    fn with_keys(&self) -> impl Iterator<Item = (&Entry, String)> {
        let with_model = self.entries().iter().filter(|entry| entry.model().is_some());
        with_model.filter_map(|entry| match self.access(entry) {
            Access::Key(_, from) => Some((entry, from)),
            Access::Open | Access::Missing(_) => None,
        })
    }

    /// Finds a model that can be asked without anything being configured.
    async fn found(&self) -> Result<Choice, CliError> {
        let openai = self.entries().find("openai");
        if let Some(openai) = openai.filter(|entry| !entry.configured)
            && let Some(url) = super::access::base_url(openai, &self.clients.env)
        {
            return self.first_of(openai, &super::access::shown(&url)).await;
        }
        if let Some((entry, from)) = self.with_keys().next() {
            let model = entry.model().unwrap_or_default();
            let why = format!("{model} of {}, whose key is in {from}", entry.provider.name);
            return Ok(Choice::new(&entry.config.name, why));
        }
        self.look_around().await;
        if let Some(server) = self.clients.local.get().and_then(Option::as_ref)
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
    async fn first_of(&self, entry: &Entry, url: &str) -> Result<Choice, CliError> {
        let client = self.clients.wire(entry).map_err(to_cli)?;
        let name_one = "name a model with --model or AZ_MODEL, or use `offline`";
        match client.models().await {
            Ok(models) => match models.first() {
                Some(model) => {
                    let name = format!("{}/{model}", entry.config.name);
                    Ok(Choice::new(name, format!("the first that {url} offers")))
                }
                None => Err(CliError::Settings(format!("{url} offers no models; {name_one}"))),
            },
            Err(error) => Err(CliError::Settings(format!("{error}; {name_one}"))),
        }
    }

    /// Looks for a server on this machine, once.
    async fn look_around(&self) {
        let look = async || {
            let found = local::find().await;
            self.clients.local.get_or_init(|| found);
        };
        self.looked.get_or_init(look).await;
    }

    fn has_openai(&self) -> bool {
        self.entries().find("openai").is_some_and(|entry| self.access(entry).is_usable())
    }
}

fn records_itself(name: &str, file: &str) -> CliError {
    CliError::Settings(format!(
        "{name} would record a recording, or itself; name the model that is to be recorded, as in \
         record:{file}@claude"
    ))
}

/// Checks what the configuration says about models besides the entries themselves.
fn check(settings: &Settings, entries: &Entries) -> Result<(), CliError> {
    let llm = &settings.llm;
    if let Some(url) = &llm.base_url
        && !url.starts_with("http://")
        && !url.starts_with("https://")
    {
        let what = "an address begins with http:// or https://";
        return Err(settings.file.problem("llm.base_url", what));
    }
    let Some(name) = &llm.default_provider else { return Ok(()) };
    let problem = |what: &str| settings.file.problem("llm.default_provider", what);
    match Name::read(name, entries) {
        Name::Auto | Name::Unknown => {
            let likely = did_you_mean(&near(name, entries.names().chain([OFFLINE])));
            Err(problem(&format!(
                "unknown model {name:?}; use an entry, provider/model or {OFFLINE}{likely}"
            )))
        }
        Name::Entry(entry) if entry.model().is_none() => {
            Err(problem(&format!("name its model, as in {name}/MODEL")))
        }
        _ => Ok(()),
    }
}

impl ModelResolver for ModelChooser {
    fn resolve(&self, model: Option<&str>) -> Result<ResolvedModel, Error> {
        let name = model.or(self.clients.default_name().ok());
        match (name, self.router.get()) {
            (Some(AUTO), Some(router)) => router.resolve(None),
            _ => self.clients.resolve(model),
        }
    }

    fn candidates(&self, query: &RoutingQuery<'_>) -> Result<Vec<Candidate>, Error> {
        let name = query.model.or(self.clients.default_name().ok());
        let routed = match name {
            Some(AUTO) => Some(query.with_model(None)),
            Some(named) => self.is_routed(named).then(|| query.with_model(name)),
            None => None,
        };
        match (routed, self.router.get()) {
            (Some(query), Some(router)) => router.candidates(&query),
            _ => Ok(vec![Candidate { model: self.clients.resolve(name)?, reason: None }]),
        }
    }

    fn query_inputs(&self, model: Option<&str>) -> QueryInputs {
        let name = model.or(self.clients.default_name().ok());
        let routed = name.is_some_and(|name| name == AUTO || self.is_routed(name));
        match self.router.get() {
            Some(router) if routed => router.query_inputs(name),
            _ => QueryInputs::default(),
        }
    }

    fn report(&self, model: &ResolvedModel, result: CallReport) {
        if let Some(router) = self.router.get() {
            router.report(model, result);
        }
    }
}
