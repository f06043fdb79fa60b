//! The values that arguments can have, from the store, the configuration and the tools.

use std::ffi::OsString;

use az_core::task::TaskFilter;
use az_core::text::one_line;
use az_core::{Task, Toolbox};
use clap_complete::engine::CompletionCandidate;

use crate::config::{Env, KeyPath, all_keys};
use crate::error::CliError;
use crate::global_args::GlobalArgs;
use crate::output::{Printer, printable, short};
use crate::services::Services;
use crate::settings::Settings;
use crate::wiring::Wiring;

/// The number of tasks that are offered, the newest first.
const TASKS: usize = 50;
/// The length of a description, in characters.
const DESCRIPTION: usize = 60;

/// What the values of an argument are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The short id of a task.
    Task,
    /// The short id of a task that waits for an answer.
    Waiting,
    /// The name of a model.
    Model,
    /// The name of a tool.
    Tool,
    /// Rules about tools, separated by commas.
    Rules,
    /// A key of the configuration.
    Key,
    /// A key of the configuration that is followed by its value.
    Setting,
}

/// Finds candidates when they are asked for.
#[derive(Debug, Clone)]
pub(super) struct Candidates {
    global: GlobalArgs,
    env: Env,
    wiring: Wiring,
}

impl Candidates {
    /// Creates candidates for a line with these words, which may name a store.
    pub(super) fn new(words: &[OsString], env: &Env, wiring: &Wiring) -> Self {
        let global = GlobalArgs {
            store: option(words, "--store"),
            data_dir: option(words, "--data-dir").map(Into::into),
            env_file: option(words, "--env-file").map(Into::into),
            quiet: true,
            no_color: true,
            json: false,
        };
        Self { global, env: env.clone(), wiring: wiring.clone() }
    }

    /// Returns the candidates that begin with what was typed; none if they cannot be found.
    pub(super) fn of(&self, kind: Kind, typed: &str) -> Vec<CompletionCandidate> {
        // What is before the last comma stays.
        let before = match kind {
            Kind::Rules => typed.rfind(',').map_or(0, |comma| comma + 1),
            _ => 0,
        };
        let (before, typed) = typed.split_at_checked(before).unwrap_or(("", typed));
        let found = match kind {
            Kind::Task => self.tasks(false),
            Kind::Waiting => self.tasks(true),
            Kind::Model => self.models(),
            Kind::Tool | Kind::Rules => self.tools(),
            Kind::Key => Ok(keys("")),
            Kind::Setting => Ok(keys("=")),
        };
        let mut found = found.unwrap_or_default();
        found.retain(|(value, _)| value.starts_with(typed));
        let indexed = found.into_iter().enumerate();
        indexed
            .map(|(order, (value, help))| candidate(format!("{before}{value}"), &help, order))
            .collect()
    }

    fn services(&self) -> Result<Services, CliError> {
        let settings = Settings::resolve(&self.global, &self.env)?;
        let printer = Printer::new(&self.global, &self.env);
        Services::new(settings, self.env.clone(), printer, self.wiring.clone())
    }

    fn tasks(&self, waiting: bool) -> Result<Vec<(String, String)>, CliError> {
        let services = self.services()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let no_runtime = |source| CliError::Io { what: "completing".to_owned(), source };
        runtime.map_err(no_runtime)?.block_on(async {
            let Some(store) = services.store_to_read().await? else { return Ok(Vec::new()) };
            let filter = TaskFilter { waiting, limit: TASKS, ..TaskFilter::default() };
            Ok(store.list(&filter).await?.iter().map(described).collect())
        })
    }

    fn models(&self) -> Result<Vec<(String, String)>, CliError> {
        let models = self.services()?.models()?;
        let entry = |entry: &az_ai::catalog::Entry| (entry.config.name.clone(), String::new());
        let mut found: Vec<_> = models.catalog().entries().iter().map(entry).collect();
        found.push(("auto".to_owned(), "the model that the routing rules choose".to_owned()));
        found.push(("offline".to_owned(), "the planner, which needs no model".to_owned()));
        Ok(found)
    }

    fn tools(&self) -> Result<Vec<(String, String)>, CliError> {
        let specs = self.services()?.toolbox()?.specs();
        Ok(specs.iter().map(|spec| (spec.name.clone(), spec.description.clone())).collect())
    }
}

/// Returns a task's short id, and its status and command.
fn described(task: &Task) -> (String, String) {
    let command = one_line(&printable(&task.command), DESCRIPTION);
    (short(task.id.as_str()), format!("{}: {command}", task.status))
}

/// Returns the keys of the configuration that have a value and can be typed, with what follows them and
/// their descriptions.
fn keys(end: &str) -> Vec<(String, String)> {
    let is_typed = |path: &str| KeyPath::parse(path).is_ok();
    let all = all_keys().into_iter();
    let all = all.filter(|(path, key)| key.below().is_empty() && is_typed(path));
    all.map(|(path, key)| (format!("{path}{end}"), key.about.to_owned())).collect()
}

fn candidate(value: String, help: &str, order: usize) -> CompletionCandidate {
    let help = (!help.is_empty()).then(|| one_line(help, DESCRIPTION).into());
    CompletionCandidate::new(value).help(help).display_order(Some(order))
}

/// Returns the value of an option in a line: `--name VALUE` or `--name=VALUE`.
fn option(words: &[OsString], name: &str) -> Option<String> {
    let mut words = words.iter().map(|word| word.to_string_lossy());
    let word = words.find(|word| word.split('=').next() == Some(name))?;
    match word.split_once('=') {
        Some((_, value)) => Some(value.to_owned()),
        None => words.next().map(|word| word.into_owned()),
    }
}
