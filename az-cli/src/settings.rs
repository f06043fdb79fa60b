//! The settings of a command, resolved from all layers of the configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use az_ai::provider::http::HttpOptions;
use az_core::cost::Calendar;
use jiff::tz::TimeZone;

use crate::config::{
    ConfigError, ConfigLayers, Env, FoundConfig, LlmSection, LogSection, McpSection,
    NetworkSection, NotifySection, OutputSection, SandboxSection, ShellSection, TaskSection,
    ToolsSection,
};
use crate::error::CliError;
use crate::global_args::GlobalArgs;
pub use crate::store_setting::StoreSetting;

/// The settings of a command.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store of tasks and their records.
    pub store: StoreSetting,
    /// The model of tasks that name none, and what set it.
    pub model: Option<(String, String)>,
    /// The section about models.
    pub llm: LlmSection,
    /// The section about commands.
    pub shell: ShellSection,
    /// The section about the sandbox of commands.
    pub sandbox: SandboxSection,
    /// The section about tasks.
    pub task: TaskSection,
    /// The section about tools.
    pub tools: ToolsSection,
    /// The section about MCP servers.
    pub mcp: McpSection,
    /// The section about notifications.
    pub notify: NotifySection,
    /// The section about the log.
    pub log: LogSection,
    /// The section about proxies and certificates.
    pub network: NetworkSection,
    /// The section about output.
    pub output: OutputSection,
    /// The time zone of days, weeks and months.
    pub time_zone: TimeZone,
    /// The configuration, for the origins of its values, and for paths relative to its files.
    pub file: FoundConfig,
    /// The layers that the configuration was resolved from.
    pub layers: ConfigLayers,
}

impl Settings {
    /// Resolves the settings from the options, the environment, and the files. The search for the file
    /// of a project begins in the working directory.
    ///
    /// # Errors
    ///
    /// A settings error with all that is wrong with the files, or if there is no data directory.
    pub fn resolve(args: &GlobalArgs, env: &Env) -> Result<Self, CliError> {
        let layers = read_layers(args, env)?;
        let file = layers.resolve()?;
        let store = StoreSetting::resolve(args, env, &file)?;
        Self::new(store, layers, file)
    }

    /// Resolves the settings again, with those that are stored in the store.
    ///
    /// # Errors
    ///
    /// A settings error for a stored value that is invalid.
    pub fn with_stored(
        &self,
        stored: &BTreeMap<String, serde_json::Value>,
    ) -> Result<Self, CliError> {
        let mut layers = self.layers.clone();
        layers.add_store(stored);
        let file = layers.resolve()?;
        Self::new(self.store.clone(), layers, file)
    }

    /// Resolves the settings from what is valid of the files and variables, for a command that reports what
    /// is wrong; returns them with all errors.
    pub(crate) fn resolve_valid(
        args: &GlobalArgs,
        env: &Env,
    ) -> (Result<Self, CliError>, Vec<ConfigError>) {
        let directory = std::env::current_dir().ok();
        let (mut layers, errors) = ConfigLayers::read_valid(env, directory.as_deref());
        add_flags(&mut layers, args);
        let settings = layers.resolve().map_err(CliError::from).and_then(|file| {
            let store = StoreSetting::resolve(args, env, &file)?;
            Self::new(store, layers, file)
        });
        (settings, errors)
    }

    fn new(store: StoreSetting, layers: ConfigLayers, file: FoundConfig) -> Result<Self, CliError> {
        let config = file.config.clone();
        let from = |key| file.origins.get(key).map_or_else(String::new, |origin| origin.of(key));
        let model = config.llm.model.clone().map(|model| (model, from("llm.model")));
        let time_zone = time_zone(config.cost.time_zone.as_deref());
        let time_zone = time_zone.map_err(|what| file.problem("cost.time_zone", &what))?;
        let (llm, shell, sandbox) = (config.llm, config.shell, config.sandbox);
        let (task, tools, log) = (config.task, config.tools, config.log);
        let (notify, mcp) = (config.notify, config.mcp);
        let (network, output) = (config.network, config.output);
        Ok(Self {
            store,
            model,
            llm,
            shell,
            sandbox,
            task,
            tools,
            mcp,
            notify,
            log,
            network,
            output,
            time_zone,
            file,
            layers,
        })
    }

    /// Returns the calendar of costs.
    pub fn calendar(&self) -> Calendar {
        Calendar::new(self.time_zone.clone())
    }

    /// Returns the options of HTTP clients: the configured network and time limits.
    ///
    /// # Errors
    ///
    /// A settings error for a file of the network that cannot be read.
    pub fn http_options(&self, env: &Env) -> Result<HttpOptions, CliError> {
        let network = self.network.network(&self.file, env)?;
        Ok(HttpOptions { network, ..self.llm.timeouts.http_options() })
    }

    /// Returns the files that hold keys: those that the configuration names, and those of the user.
    pub(crate) fn key_files(&self) -> Vec<PathBuf> {
        let entries = self.llm.providers.iter().filter_map(|entry| entry.api_key_file.as_deref());
        let keys = entries.map(|file| self.file.beside("llm.providers", Path::new(file)));
        let certificate = self.network.client_key.as_deref();
        let certificate = certificate.map(|key| self.file.beside("network.client_key", key));
        let servers = self.mcp.servers.iter().filter_map(|(name, server)| {
            let file = server.env_file.as_deref()?;
            Some(self.file.beside(&format!("mcp.servers.{name}.env_file"), file))
        });
        keys.chain(certificate).chain(servers).collect()
    }

    /// Returns a file that the configuration names by this key, with its text.
    ///
    /// # Errors
    ///
    /// A settings error when it cannot be read.
    pub fn named_file(&self, key: &str, path: &Path) -> Result<(String, String), CliError> {
        let path = self.file.beside(key, path);
        match std::fs::read_to_string(&path) {
            Ok(text) => Ok((path.display().to_string(), text)),
            Err(error) => {
                Err(self.file.problem(key, &format!("{}: {error}", path.display())).into())
            }
        }
    }
}

/// Reads the layers of the command line, the environment and the files.
///
/// # Errors
///
/// A settings error for a file that cannot be read.
pub(crate) fn read_layers(args: &GlobalArgs, env: &Env) -> Result<ConfigLayers, CliError> {
    let directory = std::env::current_dir().ok();
    let mut layers = ConfigLayers::read(env, directory.as_deref())?;
    add_flags(&mut layers, args);
    Ok(layers)
}

fn add_flags(layers: &mut ConfigLayers, args: &GlobalArgs) {
    if let Some(address) = &args.store {
        layers.add_flag("--store", "store.url", address);
    }
    if let Some(directory) = args.data_dir.as_deref().and_then(Path::to_str) {
        layers.add_flag("--data-dir", "data_dir", directory);
    }
    if args.no_color {
        layers.add_flag("--no-color", "output.color", "never");
    }
}

fn time_zone(name: Option<&str>) -> Result<TimeZone, String> {
    let Some(name) = name else { return Ok(TimeZone::UTC) };
    TimeZone::get(name)
        .map_err(|_| format!("unknown time zone {name:?}; use a name such as Europe/Berlin"))
}
