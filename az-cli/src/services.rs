//! What runs in production: the one place where concrete backends meet.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use az_ai::estimate;
use az_ai::react::{ReActAgent, ReActOptions};
use az_ai::recording::Pace;
use az_core::clock::SystemClock;
use az_core::engine::{Engine, EngineOptions, EventSink};
use az_core::journal::RunStore;
use az_core::policy::WorkspacePolicy;
use az_core::{Clock, Error, Task, TaskId, Toolbox};
use az_data::sqlite::{Migration, SqliteOptions, SqliteStore};
use az_mcp::ToolRegistry;
use az_mcp::builtin::builtin_tools;
use az_mcp::builtin::shell::ShellOptions;

use crate::config::Env;
use crate::error::CliError;
use crate::identity::{LocalProcesses, worker_id};
use crate::models::ModelChooser;
use crate::output::{Live, Printer, TerminalApprover};
use crate::settings::Settings;

/// The longest reply that is asked for in a step, in tokens, when the configuration does not say:
/// enough for a file of some hundred lines, or for thoughts and a call.
const LONGEST_REPLY: u32 = 4096;

/// What the engine's backends are wrapped in, or replaced by.
#[derive(Debug, Clone)]
pub struct Wiring {
    /// Takes the SQLite store; returns what runs are recorded in.
    pub store: fn(Arc<dyn RunStore>) -> Arc<dyn RunStore>,
    /// Takes the built-in tools; returns what agents get.
    pub toolbox: fn(Arc<dyn Toolbox>) -> Arc<dyn Toolbox>,
}

impl Default for Wiring {
    fn default() -> Self {
        Self { store: |store| store, toolbox: |toolbox| toolbox }
    }
}

/// The backends, each built when it is first needed.
#[derive(Debug)]
pub struct Services {
    settings: Settings,
    env: Env,
    printer: Printer,
    wiring: Wiring,
    speed: u16,
    models: OnceLock<Arc<ModelChooser>>,
    store: OnceLock<Arc<SqliteStore>>,
    toolbox: OnceLock<Arc<ToolRegistry>>,
}

impl Services {
    /// Returns services that have opened nothing yet.
    pub fn new(settings: Settings, env: Env, printer: Printer, wiring: Wiring) -> Self {
        let (models, store, toolbox) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self { settings, env, printer, wiring, speed: 1, models, store, toolbox }
    }

    /// Returns services that keep their data elsewhere, and play demonstrations so many times as
    /// fast.
    pub fn elsewhere(&self, data_dir: PathBuf, speed: u16) -> Self {
        let settings = Settings { data_dir, ..self.settings.clone() };
        let (env, printer) = (self.env.clone(), self.printer.clone());
        Self { speed, ..Self::new(settings, env, printer, self.wiring.clone()) }
    }

    /// Returns the printer.
    pub const fn printer(&self) -> &Printer {
        &self.printer
    }

    /// Returns the settings.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Returns who knows the models.
    ///
    /// # Errors
    ///
    /// A settings error for models that cannot be.
    pub fn models(&self) -> Result<Arc<ModelChooser>, CliError> {
        if let Some(models) = self.models.get() {
            return Ok(Arc::clone(models));
        }
        let pace = Pace::Times(f32::from(self.speed));
        let models = ModelChooser::new(self.settings.clone(), self.env.clone(), pace)?;
        Ok(Arc::clone(self.models.get_or_init(|| Arc::new(models))))
    }

    /// Returns the database's path.
    pub fn database(&self) -> PathBuf {
        self.settings.database()
    }

    /// Opens the store for reading and writing; makes it if need be.
    ///
    /// # Errors
    ///
    /// The store's: it cannot be made, opened or migrated.
    pub fn store(&self) -> Result<Arc<SqliteStore>, CliError> {
        if let Some(store) = self.store.get() {
            return Ok(Arc::clone(store));
        }
        let store = Arc::new(SqliteStore::open(self.database(), self.sqlite_options()?)?);
        if let Some(Migration { from, to, backup, .. }) = store.migration() {
            let backup = backup.display();
            let what = format!("the database was migrated from schema {from} to {to}");
            self.printer.say(&format!("{what}; a backup of it is {backup}"));
        }
        Ok(Arc::clone(self.store.get_or_init(|| store)))
    }

    /// Opens the store for reading only; there may be none yet.
    ///
    /// # Errors
    ///
    /// The store's: it cannot be opened.
    pub fn store_to_read(&self) -> Result<Option<Arc<SqliteStore>>, CliError> {
        match SqliteStore::open_read_only(self.database(), self.sqlite_options()?) {
            Ok(store) => Ok(Some(Arc::new(store))),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// `AZ_DB_MAX_PAGES` stands in for a full disk, `AZ_DB_BUSY_MS` for impatience.
    fn sqlite_options(&self) -> Result<SqliteOptions, CliError> {
        let number = |name: &'static str| match self.env.get(name).map(str::parse::<u32>) {
            None => Ok(None),
            Some(Ok(number)) => Ok(Some(number)),
            Some(Err(_)) => Err(CliError::Settings(format!("{name} is not a number"))),
        };
        let mut options = SqliteOptions::default().with_calendar(self.settings.calendar());
        if let Some(pages) = number("AZ_DB_MAX_PAGES")? {
            options = options.with_max_page_count(pages);
        }
        if let Some(millis) = number("AZ_DB_BUSY_MS")? {
            options = options.with_busy_timeout(std::time::Duration::from_millis(millis.into()));
        }
        Ok(options)
    }

    /// Returns the tools.
    ///
    /// # Errors
    ///
    /// A mistake of ours in how they are put together.
    pub fn toolbox(&self) -> Result<Arc<ToolRegistry>, CliError> {
        if let Some(toolbox) = self.toolbox.get() {
            return Ok(Arc::clone(toolbox));
        }
        let options = ShellOptions::default().with_harmless_of(self.env.all());
        let toolbox = Arc::new(builtin_tools(options)?);
        Ok(Arc::clone(self.toolbox.get_or_init(|| toolbox)))
    }

    /// Checks names of tools.
    ///
    /// # Errors
    ///
    /// A usage error that lists the tools there are.
    pub fn check_tools<'a>(
        &self,
        names: impl IntoIterator<Item = &'a String>,
    ) -> Result<(), CliError> {
        let known: Vec<_> = self.toolbox()?.specs().iter().map(|spec| spec.name.clone()).collect();
        match names.into_iter().find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(name) => {
                let known = known.join(", ");
                Err(CliError::Usage(format!("no tool is called {name:?}; there are {known}")))
            }
        }
    }

    /// Returns an engine that tells `sink` what happens and asks at `terminal`, if there is one.
    ///
    /// # Errors
    ///
    /// The store's.
    pub fn engine(
        &self,
        sink: Arc<dyn EventSink>,
        terminal: Option<Arc<Live>>,
    ) -> Result<Engine, CliError> {
        let resolver = self.models()?;
        let max_tokens = self.settings.llm.max_tokens.map_or(LONGEST_REPLY, NonZeroU32::get);
        let options = ReActOptions::default().with_max_tokens(max_tokens);
        let agent = Arc::new(ReActAgent::new(resolver).with_options(options));
        let store = (self.wiring.store)(self.store()?);
        let toolbox = (self.wiring.toolbox)(self.toolbox()?);
        let engine = Engine::new(store, agent, EngineOptions::new(worker_id()?));
        Ok(engine
            .with_toolbox(toolbox)
            .with_policy(Arc::new(WorkspacePolicy))
            .with_approver(Arc::new(TerminalApprover::new(terminal)))
            .with_sink(sink)
            .with_liveness(Arc::new(LocalProcesses::default())))
    }

    /// Creates a task with a unique id (a UUID of version 7, which sorts by time) and the estimated
    /// tokens of its command.
    ///
    /// # Errors
    ///
    /// `Invalid` for a command that is empty, too long or contains a NUL.
    pub fn new_task(&self, command: impl Into<String>) -> Result<Task, CliError> {
        let id = TaskId::new(uuid::Uuid::now_v7().to_string())?;
        let task = Task::new(id, command, SystemClock.now())?;
        let tokens = estimate::text(&task.command);
        Ok(task.with_estimated_tokens(tokens))
    }
}
