//! `az setup`: the first key, or a server on this machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use az_ai::catalog::{Access, Target as Named, displayed_url};
use az_ai::model_name::{InvalidModelName, ModelName};
use az_core::store::StoreAccess;
use clap::Args;

use super::config::{Context, Target, change};
use super::task::{Start, execute};
use crate::api_key::{add_key, read_key};
use crate::config::{ConfigError, ConfigFile, KeyPath, Layer};
use crate::error::CliError;
use crate::models::ModelChooser;
use crate::output::{Printer, ask, can_ask, consents};
use crate::redact::Redactor;

const EXAMPLES: &str = "\
Examples:
  az setup
  az config set llm.provider=gemini && az config set llm.api_key < key.txt

The questions are asked at a terminal. Without one, az config sets the same: the provider and its
key as above, or a server with llm.providers.NAME.base_url.";

/// The error without a terminal.
const NO_TERMINAL: &str = "\
setup asks its questions at a terminal, and standard input or standard error is none; type instead, \
for a provider, `az config set llm.provider=gemini` and `az config set llm.api_key < key.txt`, or, for \
a server, `az config set llm.provider=server llm.providers.server.provider=openai-compatible \
llm.providers.server.base_url=URL llm.providers.server.model=MODEL`";

/// The name of the entry of a server that is given by its address.
const SERVER: &str = "server";

/// The task that tests what was set up.
const TEST: &str = "Greet me in at most ten words.";

/// Set up the first model: asks for a provider and its key, and makes a call
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SetupArgs {}

/// Asks which model to use, stores the answers in the user's file, and tests them by a task, which is
/// recorded and priced as any other. If the task fails, the answers are kept only with consent.
///
/// # Errors
///
/// A usage error without a terminal, invalid answers, a file that cannot be written, or the error of the
/// task.
pub(crate) async fn run(_: &SetupArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    let access = if can_ask() { StoreAccess::ReadWrite } else { StoreAccess::ReadOnly };
    let services = context.services()?.with_stored_settings(access).await?;
    let models = services.models()?;
    let printer = services.printer();
    match models.choose(None).await {
        Ok(chosen) => printer.say(&format!("now: {}", chosen.in_words())),
        // A default that cannot be used is what setup is for.
        Err(error) => printer.say(&format!("now: no model can be used: {error}")),
    }
    if !can_ask() {
        return Err(CliError::Usage(NO_TERMINAL.to_owned()));
    }
    let config = Target::User.only_file(context)?;
    let before = text_of(&config)?;
    let answers = ask_model(&models, printer).await?;
    let key_file = change(context, Layer::User, &config, |file| {
        let key_file = answers.store(file)?;
        Ok(key_file.map(|path| (fs::read(&path).ok(), path)))
    })?;
    let after = text_of(&config)?;
    let Err(error) = Box::pin(test(&answers.model, &config, context)).await else {
        return Ok(ExitCode::SUCCESS);
    };
    printer.error(&error, &Redactor::new(context.env));
    if !consents("keep these settings?") {
        restore(&config, before, after.as_deref())?;
        if let Some((before, path)) = key_file {
            restore_key(&path, before)?;
        }
        printer.say("the settings are as they were before");
    }
    Ok(ExitCode::from(error.exit_code()))
}

/// Runs a task with the model, and says whether it is the default from now on.
async fn test(model: &str, config: &Path, context: &Context<'_>) -> Result<(), CliError> {
    let services = context.services()?.with_stored_settings(StoreAccess::ReadWrite).await?;
    let printer = services.printer();
    let task = services.new_task(TEST, None)?.with_model(model);
    execute(&services, Start::New(Box::new(task))).await?;
    printer.say(&format!("{model} is the default now, in {}", config.display()));
    match services.models()?.choose(None).await {
        Ok(chosen) if chosen.name == model => {}
        Ok(chosen) => {
            printer.say(&format!("here, another layer overrides it: {}", chosen.in_words()));
        }
        Err(error) => printer.say(&format!("here, another layer overrides it: {error}")),
    }
    Ok(())
}

/// What was entered.
struct Answers {
    /// The name of the model.
    model: String,
    /// The entry whose key was entered, and the key.
    key: Option<(String, String)>,
    /// The keys of the configuration that describe a server, with their values.
    server: Vec<(String, String)>,
}

impl Answers {
    /// Sets what was entered in the user's file; returns the file of the key.
    fn store(&self, file: &mut ConfigFile) -> Result<Option<PathBuf>, CliError> {
        let default = [("llm.default_provider".to_owned(), self.model.clone())];
        for (key, value) in default.iter().chain(&self.server) {
            file.set(&KeyPath::parse(key).map_err(CliError::Usage)?, value)?;
        }
        let Some((entry, key)) = &self.key else { return Ok(None) };
        add_key(file, entry, key).map(Some)
    }
}

/// Asks for the model, and for what it needs.
async fn ask_model(models: &ModelChooser, printer: &Printer) -> Result<Answers, CliError> {
    let name = ask_name(models)?;
    if name.starts_with("http://") || name.starts_with("https://") {
        return ask_server(&name, models, printer).await;
    }
    let parsed: ModelName =
        name.parse().map_err(|error: InvalidModelName| CliError::Usage(error.to_string()))?;
    if parsed == ModelName::Auto {
        let what = "auto is the choice of the routing rules; enter the name of a model";
        return Err(CliError::Usage(what.to_owned()));
    }
    let (full, catalog) = (models.with_maker(parsed), models.catalog());
    let target = catalog.target(&full);
    let without_key =
        target.filter(|target| matches!(catalog.access(target.entry), Access::Missing(_)));
    let (model, key) = match without_key {
        Some(Named { model: None, .. }) => {
            let what =
                format!("{full} is a provider; enter the name of a model, as in {full}/MODEL");
            return Err(CliError::Usage(what));
        }
        Some(Named { entry, .. }) => {
            let entry = entry.config.name.clone();
            let key = read_key(&entry)?;
            (full.to_string(), Some((entry, key)))
        }
        // An unknown name is an error before anything is stored.
        None => (models.choose(Some(&name)).await?.name, None),
    };
    Ok(Answers { model, key, server: Vec::new() })
}

fn ask_name(models: &ModelChooser) -> Result<String, CliError> {
    let catalog = models.catalog();
    let with_key = catalog.with_keys().next().map(|(entry, _)| entry.config.name.clone());
    let default = with_key.unwrap_or_else(|| "claude".to_owned());
    let entries = catalog.entries().iter().filter(|entry| entry.model().is_some());
    let names: Vec<_> = entries.map(|entry| entry.config.name.as_str()).collect();
    let question = format!(
        "Which model? A name ({}),\nlocal/MODEL for a server on this machine, or the address of a \
         server that is compatible with OpenAI's API [{default}]:",
        names.join(", ")
    );
    let answer = ask(&question).ok_or_else(cancelled)?;
    Ok(if answer.is_empty() { default } else { answer })
}

/// Asks for the model of a server; the default is the first that it offers and that chats.
async fn ask_server(
    url: &str,
    models: &ModelChooser,
    printer: &Printer,
) -> Result<Answers, CliError> {
    let offered = models.models_at(url).await.unwrap_or_else(|error| {
        printer.say(&format!("the models of {} are not known: {error}", displayed_url(url)));
        Vec::new()
    });
    let first = offered.into_iter().find(|model| model.chats).map(|model| model.name);
    let default = first.as_ref().map_or_else(String::new, |first| format!(" [{first}]"));
    let answer = ask(&format!("Which of its models?{default}:")).ok_or_else(cancelled)?;
    let named = Some(answer).filter(|answer| !answer.is_empty()).or(first);
    let model = named.ok_or_else(|| {
        CliError::Usage("the server lists no models; enter the name of one".to_owned())
    })?;
    let entry =
        |field: &str, value: &str| (format!("llm.providers.{SERVER}.{field}"), value.to_owned());
    let server = vec![
        entry("provider", "openai-compatible"),
        entry("base_url", url),
        entry("model", &model),
    ];
    Ok(Answers { model: SERVER.to_owned(), key: None, server })
}

/// Returns the text of the user's file; `None` if there is none.
fn text_of(config: &Path) -> Result<Option<String>, CliError> {
    let file = ConfigFile::read(Layer::User, config)?;
    Ok(file.exists().then(|| file.text().to_owned()))
}

/// Puts the user's file back as it was before, unless it has changed again.
fn restore(config: &Path, before: Option<String>, after: Option<&str>) -> Result<(), CliError> {
    let mut file = ConfigFile::open(Layer::User, config)?;
    if file.exists().then(|| file.text()) != after {
        let path = config.display();
        return Err(ConfigError::Changed(format!(
            "{path} was changed by another program in the meantime; the settings are kept, and `az \
             config edit` changes them"
        ))
        .into());
    }
    match before {
        Some(text) => {
            file.set_text(text);
            Ok(file.write()?)
        }
        None => fs::remove_file(config).map_err(|source| CliError::Io {
            what: format!("removing {}", config.display()),
            source,
        }),
    }
}

/// Restores the file of a key, which only the user can read, or removes it if there was none.
fn restore_key(path: &Path, before: Option<Vec<u8>>) -> Result<(), CliError> {
    let restored = match before {
        Some(key) => fs::write(path, key),
        None => fs::remove_file(path),
    };
    restored.map_err(|source| {
        let what = format!("restoring {}", path.display());
        CliError::Io { what, source }
    })
}

fn cancelled() -> CliError {
    CliError::Usage("no answer; nothing was changed".to_owned())
}
