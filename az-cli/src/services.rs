//! Creates the backends of a command: the only place that knows all of them.

pub(crate) mod asked;
mod mcp;
mod new_task;
mod notifications;
mod notify;
mod rules;
mod secrets;
mod tools;

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, OnceLock};

use az_ai::dispatch::DispatchOptions;
use az_ai::provider::http::HttpOptions;
use az_ai::react::{ReActAgent, ReActOptions};
use az_ai::recording::Pace;
use az_core::Error;
use az_core::approval::Approver;
use az_core::engine::{Engine, EventSink};
use az_core::store::{
    Store, StoreAccess, StoreAddress, StoreMigration, StoreRegistry, StoreRequest,
};
use az_core::task::UnattendedMode;
use az_mcp::ToolRegistry;
use az_mcp::policy::RulePolicy;
use az_mcp::secrets::KnownSecrets;
use serde_json::Value;
use tokio::sync::OnceCell;

use self::notify::Notifier;
use crate::config::Env;
use crate::error::CliError;
use crate::identity::{LocalProcesses, worker_id};
use crate::mcp_servers::McpServers;
use crate::models::ModelChooser;
use crate::output::{Live, Printer};
use crate::settings::{Settings, StoreSetting};
use crate::telemetry::{LogSink, Telemetry};
use crate::wiring::{Wiring, check_scheme, engine_options};

/// The default limit of a reply, in tokens: enough for a file of some hundred lines, or for reasoning
/// and a tool call.
pub(crate) const LONGEST_REPLY: u32 = 4096;

/// The backends, each created when it is first needed.
#[derive(Debug)]
pub struct Services {
    settings: Settings,
    env: Env,
    printer: Printer,
    wiring: Wiring,
    telemetry: Option<Telemetry>,
    speed: u16,
    models: OnceLock<Arc<ModelChooser>>,
    stores: StoreRegistry,
    store: Arc<OnceCell<Arc<dyn Store>>>,
    /// The store that the stored settings were read from, if the command only reads.
    store_to_read: Option<Arc<dyn Store>>,
    toolbox: OnceLock<Arc<ToolRegistry>>,
    servers: OnceLock<McpServers>,
    /// Is set once the servers that were never listed have been.
    servers_listed: OnceCell<()>,
    policy: OnceLock<Arc<RulePolicy>>,
    /// The known secrets, or why they cannot be searched for.
    secrets: OnceLock<Result<KnownSecrets, String>>,
    notifier: OnceLock<Notifier>,
}

impl Services {
    /// Creates services that have not opened anything yet.
    ///
    /// # Errors
    ///
    /// A settings error for a variable that a backend cannot read.
    pub fn new(
        settings: Settings,
        env: Env,
        printer: Printer,
        wiring: Wiring,
    ) -> Result<Self, CliError> {
        let stores = wiring.stores(&env)?;
        let (models, store, toolbox) = (OnceLock::new(), Arc::default(), OnceLock::new());
        let (policy, secrets, notifier) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        let (telemetry, store_to_read, servers) = (None, None, OnceLock::new());
        Ok(Self {
            settings,
            env,
            printer,
            wiring,
            telemetry,
            speed: 1,
            models,
            stores,
            store,
            store_to_read,
            toolbox,
            servers,
            servers_listed: OnceCell::new(),
            notifier,
            policy,
            secrets,
        })
    }

    /// Returns services that record events in the log of the store, once that is open for writing.
    #[must_use]
    pub fn with_telemetry(mut self, telemetry: Telemetry) -> Self {
        self.telemetry = Some(telemetry);
        self
    }

    /// Returns services with another store, which play recordings at this speed and record no events in a log.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_store(&self, address: StoreAddress, speed: u16) -> Result<Self, CliError> {
        let store = StoreSetting { address, from: "the demo".to_owned() };
        let settings = Settings { store, ..self.settings.clone() };
        Ok(Self { speed, telemetry: None, ..self.with_settings(settings)? })
    }

    /// Returns services with other settings, which have not opened anything yet.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub(crate) fn with_settings(&self, settings: Settings) -> Result<Self, CliError> {
        let (env, printer) = (self.env.clone(), self.printer.clone());
        let (telemetry, speed) = (self.telemetry.clone(), self.speed);
        let services = Self::new(settings, env, printer, self.wiring.clone())?;
        Ok(Self { speed, telemetry, ..services })
    }

    /// Returns services with the settings that are stored in the store, too. A store of an older schema is
    /// migrated first, if the command writes. Settings of a store that cannot be read do not count, which
    /// is said.
    ///
    /// # Errors
    ///
    /// A settings error for a stored value that is invalid.
    pub async fn with_stored_settings(self, access: StoreAccess) -> Result<Self, CliError> {
        let (store, stored) = match self.stored_settings(access).await {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(self),
            Err(error) => {
                self.printer.say(&format!("the settings in the store were not read: {error}"));
                return Ok(self);
            }
        };
        let settings = match stored.is_empty() {
            true => self.settings.clone(),
            false => self.settings.with_stored(&stored)?,
        };
        // What was opened has the calendar of the settings before these.
        let is_of_use =
            access == StoreAccess::ReadOnly && settings.calendar() == self.settings.calendar();
        Ok(Self { settings, store_to_read: is_of_use.then_some(store), ..self })
    }

    /// Opens the store and reads the settings in it; returns `None` if it does not exist yet.
    async fn stored_settings(
        &self,
        access: StoreAccess,
    ) -> Result<Option<(Arc<dyn Store>, BTreeMap<String, Value>)>, CliError> {
        let store = match self.store_to_read().await {
            Ok(Some(store)) => store,
            Ok(None) => return Ok(None),
            Err(CliError::Core(Error::OlderSchema { .. })) if access == StoreAccess::ReadWrite => {
                self.open_store().await?
            }
            Err(error) => return Err(error),
        };
        let stored = store.get_all().await?;
        Ok(Some((store, stored)))
    }

    /// Returns the options of HTTP clients: the configured network and time limits.
    ///
    /// # Errors
    ///
    /// A settings error for a file of the network that cannot be read.
    pub fn http_options(&self) -> Result<HttpOptions, CliError> {
        self.settings.http_options(&self.env)
    }

    /// Returns the printer.
    pub const fn printer(&self) -> &Printer {
        &self.printer
    }

    /// Returns the settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns the models.
    ///
    /// # Errors
    ///
    /// A settings error for invalid models.
    pub fn models(&self) -> Result<Arc<ModelChooser>, CliError> {
        if let Some(models) = self.models.get() {
            return Ok(Arc::clone(models));
        }
        let pace = Pace::Times(f32::from(self.speed));
        let models = ModelChooser::new(self.settings.clone(), &self.env, pace, &self.printer)?;
        Ok(Arc::clone(self.models.get_or_init(|| Arc::new(models))))
    }

    /// Returns the address of the store.
    pub const fn store_address(&self) -> &StoreAddress {
        &self.settings.store.address
    }

    /// Opens the store for reading and writing; creates it if it does not exist.
    ///
    /// # Errors
    ///
    /// A usage or settings error for an address of an unknown scheme, or the store's own.
    pub async fn store(&self) -> Result<Arc<dyn Store>, CliError> {
        let open = async || {
            let store = self.open_store().await?;
            if let Some(telemetry) = &self.telemetry {
                telemetry.record_in(Arc::clone(&store), &self.settings.log, self.redactor());
            }
            Ok::<_, CliError>(store)
        };
        Ok(Arc::clone(self.store.get_or_try_init(open).await?))
    }

    /// Opens the store, and says where a migration has put its backup.
    async fn open_store(&self) -> Result<Arc<dyn Store>, CliError> {
        let store = self.stores.open(&self.store_request(StoreAccess::ReadWrite)?).await?;
        if let Some(StoreMigration { from, to, backup }) = store.migration() {
            let what = format!("the database was migrated from schema {from} to {to}");
            self.printer.say(&format!("{what}; a backup of it is {backup}"));
        }
        Ok(store)
    }

    /// Opens the store for reading only; returns `None` if it does not exist yet.
    ///
    /// # Errors
    ///
    /// As [`store`](Self::store).
    pub async fn store_to_read(&self) -> Result<Option<Arc<dyn Store>>, CliError> {
        if let Some(store) = &self.store_to_read {
            return Ok(Some(Arc::clone(store)));
        }
        let request = self.store_request(StoreAccess::ReadOnly)?;
        match self.stores.open(&request).await {
            Ok(store) => Ok(Some(store)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Moves the store's data aside; returns the name under which it is kept.
    ///
    /// # Errors
    ///
    /// As [`store`](Self::store), and for a backend that cannot do it.
    pub async fn set_store_aside(&self) -> Result<String, CliError> {
        let request = self.store_request(StoreAccess::ReadWrite)?;
        Ok(self.stores.set_aside(&request).await?)
    }

    /// Returns the store once it is open for writing, which it is as long as this or the services exist.
    pub(crate) fn open(&self) -> Arc<OnceCell<Arc<dyn Store>>> {
        Arc::clone(&self.store)
    }

    /// Returns the factories of stores.
    pub(crate) const fn stores(&self) -> &StoreRegistry {
        &self.stores
    }

    /// Returns a request for the store.
    ///
    /// # Errors
    ///
    /// A usage or settings error for an address of an unknown scheme.
    pub(crate) fn store_request(&self, access: StoreAccess) -> Result<StoreRequest, CliError> {
        let setting = &self.settings.store;
        check_scheme(setting, &self.stores)?;
        let request = StoreRequest::new(setting.address.clone(), access);
        Ok(request.with_calendar(self.settings.calendar()))
    }

    /// Checks that variables that a task names are set.
    ///
    /// # Errors
    ///
    /// A usage error for one that is not.
    pub fn check_env<'a>(
        &self,
        names: impl IntoIterator<Item = &'a String>,
    ) -> Result<(), CliError> {
        match names.into_iter().find(|name| self.env.get(name).is_none()) {
            None => Ok(()),
            Some(name) => Err(CliError::Usage(format!(
                "--env {name}: the variable is not set in the environment of az"
            ))),
        }
    }

    /// Returns the limit of a reply, in tokens.
    pub fn max_tokens(&self) -> u32 {
        self.settings.llm.max_tokens.map_or(LONGEST_REPLY, NonZeroU32::get)
    }

    fn dispatch_options(&self) -> DispatchOptions {
        let loading_wait = self.settings.llm.timeouts.loading_wait();
        DispatchOptions::default().with_loading_wait(loading_wait)
    }

    /// Returns the full names of the models that tasks may give their child tasks; `None` if these are all.
    async fn child_models(&self) -> Result<Option<Vec<String>>, CliError> {
        let Some(listed) = &self.settings.task.child_models else { return Ok(None) };
        let (models, mut names) = (self.models()?, Vec::new());
        for name in listed {
            // A name that cannot be looked up now cannot be requested, either.
            let found = models.choose(Some(name)).await;
            names.push(found.map_or_else(|_| name.clone(), |found| found.name));
        }
        Ok(Some(names))
    }

    /// Creates an engine that emits events to `sink` and asks for approval at `terminal`, if there is one.
    /// Without one, `unattended` or the configuration decides about tasks that have no mode of their own.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn engine(
        &self,
        sink: Arc<dyn EventSink>,
        terminal: Option<Arc<Live>>,
        unattended: Option<UnattendedMode>,
    ) -> Result<Engine, CliError> {
        let resolver = self.models()?.connected()?;
        let dispatch = self.dispatch_options();
        let options = ReActOptions::default()
            .with_max_tokens(self.max_tokens())
            .with_sticky(self.settings.llm.routing.sticky)
            .with_dispatch(dispatch);
        let agent = Arc::new(ReActAgent::new(resolver).with_options(options));
        let store = self.wiring.run_store(self.store().await?);
        let toolbox = self.tools()?;
        let mut options = engine_options(&self.env, worker_id()?)?;
        options.checks_are_confined = self.settings.confines_commands();
        options.unattended = unattended.or(self.settings.tools.unattended).unwrap_or_default();
        self.settings.task.limit_children(&mut options);
        options.child_models = self.child_models().await?;
        let engine = Engine::new(store, agent, options);
        let approver: Arc<dyn Approver> = Arc::new(self.approver(terminal)?);
        let asking = self.new_task("answer the questions of MCP servers", None)?;
        self.servers().set_person(Arc::clone(&approver), asking);
        Ok(engine
            .with_toolbox(toolbox)
            .with_policy(self.policy()?)
            .with_approver(approver)
            .with_sink(Arc::new(LogSink::new(self.notifying(sink).await?)))
            .with_liveness(Arc::new(LocalProcesses::default())))
    }
}
