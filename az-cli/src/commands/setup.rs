//! `az setup`: the first key, or a server on this machine.

use std::path::Path;
use std::process::ExitCode;

use az_ai::catalog::Access;
use clap::Args;

use super::config::Context;
use super::task::{Start, execute};
use crate::api_key::{provider_of, read_key, store_key};
use crate::config::{ConfigFile, ConfigFiles, KeyPath, Layer};
use crate::error::CliError;
use crate::models::{ModelChooser, to_cli};
use crate::output::{ask, can_ask, consents};

const EXAMPLES: &str = "\
Examples:
  az setup
  az config set llm.provider=gemini && az config set llm.api_key < key.txt

The questions are asked at a terminal. Without one, az config sets the same: the provider and its
key as above, or a server with llm.providers.NAME.base_url.";

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
/// Invalid answers, a file that cannot be written, or the error of the task.
pub(crate) async fn run(_: &SetupArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    let services = context.services()?;
    let models = services.models()?;
    let printer = services.printer();
    let chosen = models.choose(None).await?;
    printer.say(&format!("now: {}", chosen.in_words()));
    if !can_ask() {
        printer.say("setup asks its questions at a terminal; `az setup --help` shows the commands");
        return Ok(ExitCode::SUCCESS);
    }
    let config = ConfigFiles::find(context.env, None).user.ok_or_else(|| {
        CliError::Settings("HOME is not set; set it, XDG_CONFIG_HOME or AZ_CONFIG".to_owned())
    })?;
    let before = ConfigFile::read(Layer::User, &config)?;
    let before = before.exists().then(|| before.text().to_owned());
    let Chosen { model, key_file } = choose(&models, &config).await?;
    drop(models);
    let services = context.services()?;
    let task = services.new_task(TEST, None)?.with_model(&*model);
    let ended = execute(&services, Start::New(Box::new(task))).await;
    match ended {
        Ok(code) => {
            let path = config.display();
            printer.say(&format!("{model} is the default now, in {path}"));
            let chosen = services.models()?.choose(None).await?;
            if chosen.name != model {
                printer.say(&format!("here, another layer overrides it: {}", chosen.in_words()));
            }
            Ok(code)
        }
        Err(error) => {
            printer.error(&error);
            if !consents("keep these settings?") {
                restore(&config, before.as_deref())?;
                // A key that was rejected is of no use to anything else.
                key_file.map(std::fs::remove_file);
                printer.say("the settings are as they were before");
            }
            Ok(ExitCode::from(error.exit_code()))
        }
    }
}

/// The model that was chosen, and the file that its key was written into.
struct Chosen {
    model: String,
    key_file: Option<String>,
}

/// Asks for the model, and stores what it needs.
async fn choose(models: &ModelChooser, config: &Path) -> Result<Chosen, CliError> {
    let catalog = models.catalog();
    let with_key = catalog.with_keys().next().map(|(entry, _)| entry.config.name.clone());
    let default = with_key.unwrap_or_else(|| "claude".to_owned());
    let names: Vec<_> = catalog.entries().iter().filter(|entry| entry.model().is_some()).collect();
    let names: Vec<_> = names.iter().map(|entry| entry.config.name.as_str()).collect();
    let question = format!(
        "Which model? A name ({}),\nlocal/MODEL for a server on this machine, or the address of a \
         server that is compatible with OpenAI's API [{default}]:",
        names.join(", ")
    );
    let answer = ask(&question).ok_or_else(cancelled)?;
    let name = if answer.is_empty() { default } else { answer };
    if name.starts_with("http://") || name.starts_with("https://") {
        return Ok(Chosen { model: server(&name, config).await?, key_file: None });
    }
    let entry = catalog.entries().find(&name);
    match entry.map(|entry| catalog.access(entry)) {
        Some(Access::Missing(_)) => {
            let key = read_key(&name)?;
            set(config, &[("llm.default_provider", &name)])?;
            let key_file = Some(store_key(config, &name, &key)?);
            return Ok(Chosen { model: name, key_file });
        }
        Some(Access::Key(..) | Access::Open) => {}
        None => {
            // An unknown name is an error before anything is stored.
            if !name.contains('/') {
                provider_of(&name)?;
            }
            models.choose(Some(&name)).await?;
        }
    }
    set(config, &[("llm.default_provider", &name)])?;
    Ok(Chosen { model: name, key_file: None })
}

/// Stores an entry for a server; its model is the first that it offers and that chats, or the one that is
/// entered.
async fn server(url: &str, config: &Path) -> Result<String, CliError> {
    use az_ai::provider::http::{HttpClient, HttpOptions};
    use az_ai::provider::openai::OpenAi;
    use az_ai::provider::{Endpoint, WireClient};

    let http = HttpClient::new(&HttpOptions::default()).map_err(to_cli)?;
    let client = WireClient::new(Endpoint::new(SERVER, url), OpenAi::default(), http);
    let offered = client.map_err(to_cli)?.models().await.unwrap_or_default();
    let mut chatting = offered.into_iter().filter(|model| model.chats);
    let first = chatting.next().map(|model| model.name).unwrap_or_default();
    let model = ask(&format!("Which of its models? [{first}]:")).ok_or_else(cancelled)?;
    let model = if model.is_empty() { first } else { model };
    if model.is_empty() {
        let what = "the server lists no models; enter the name of one";
        return Err(CliError::Usage(what.to_owned()));
    }
    let entry = |field: &str| format!("llm.providers.{SERVER}.{field}");
    set(
        config,
        &[
            ("llm.default_provider", SERVER),
            (&entry("provider"), "openai-compatible"),
            (&entry("base_url"), url),
            (&entry("model"), &model),
        ],
    )?;
    Ok(SERVER.to_owned())
}

/// Sets keys in the user's file.
fn set(config: &Path, settings: &[(&str, &str)]) -> Result<(), CliError> {
    let mut file = ConfigFile::open(Layer::User, config)?;
    for (key, value) in settings {
        file.set(&KeyPath::parse(key).map_err(CliError::Usage)?, value)?;
    }
    Ok(file.write()?)
}

/// Puts the user's file back as it was.
fn restore(config: &Path, before: Option<&str>) -> Result<(), CliError> {
    match before {
        Some(text) => {
            let mut file = ConfigFile::open(Layer::User, config)?;
            file.set_text(text.to_owned());
            Ok(file.write()?)
        }
        None => std::fs::remove_file(config).map_err(|source| CliError::Io {
            what: format!("removing {}", config.display()),
            source,
        }),
    }
}

fn cancelled() -> CliError {
    CliError::Usage("no answer; nothing was changed".to_owned())
}
