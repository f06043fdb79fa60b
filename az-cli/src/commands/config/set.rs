//! `az config set`.

use std::process::ExitCode;

use az_core::config::ConfigManager;
use clap::Args;

use super::key::set_key;
use super::layer::LayerArgs;
use super::{Context, files};
use crate::config::{KeyPath, Kind, value_in_store};
use crate::error::CliError;
use crate::views::NoticeView;

const EXAMPLES: &str = "\
Examples:
  az config set llm.provider=gemini
  az config set llm.max_tokens 8192
  az config set shell.env SSH_AUTH_SOCK,CI=1
  az config set llm.providers.fast.provider=groq llm.providers.fast.model=openai/gpt-oss-120b
  az config set llm.routing_rules '[{ condition = \"tokens < 500\", provider = \"fast\" }]'
  az config set --layer project task.max_steps=20
  az config set --layer store cost.time_zone=Europe/Berlin
  az config set llm.api_key
  az config set llm.providers.fast.api_key < key.txt

Several keys are set as KEY=VALUE, one also as KEY VALUE. A list is words with commas, or TOML; a
table is TOML. An entry of llm.providers is chosen by its name, and created if it does not exist.

An API key has no value here: az asks for it without showing it, or reads it from standard input,
and writes it into a file that only you can read. llm.api_key is the key of llm.default_provider.";

/// Set keys
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct SetArgs {
    /// Key and value, as KEY=VALUE or KEY VALUE
    #[arg(value_name = "KEY=VALUE", required = true)]
    settings: Vec<String>,
    #[command(flatten)]
    layer: LayerArgs,
}

/// Sets keys. The comments and the form of the file are kept.
///
/// # Errors
///
/// A usage error for an unknown key, a settings error for a value that it cannot have.
pub(super) async fn run(args: &SetArgs, context: &Context<'_>) -> Result<ExitCode, CliError> {
    if let [key] = args.settings.as_slice()
        && let Some(entry) = super::key::entry_of(key)
    {
        return set_key(entry, args.layer, context);
    }
    if let Some(word) = args.settings.iter().find(|word| sets_key(word)) {
        let key = word.split('=').next().unwrap_or_default();
        return Err(CliError::Usage(format!(
            "a key on the command line is visible to other processes and stays in the history of the \
             shell; leave the value out: `az config set {key}` asks for it"
        )));
    }
    let settings = parse(&args.settings)?;
    let target = args.layer.layer;
    match target.file(context)? {
        Some(path) => {
            files::change(context, target.layer(), &path, |file| {
                for (key, typed) in &settings {
                    file.set(key, typed)?;
                }
                Ok(())
            })?;
            report(&settings, &path.display().to_string(), context)
        }
        None => {
            let values = settings.iter().map(|(key, typed)| {
                let value = value_in_store(key, typed).map_err(CliError::Settings)?;
                Ok((key.to_string(), value))
            });
            let values: Vec<_> = values.collect::<Result<_, CliError>>()?;
            let store = context.services()?.store().await?;
            for (key, value) in &values {
                ConfigManager::set(&*store, key, value).await?;
            }
            report(&settings, "the store", context)
        }
    }
}

/// Whether a word sets an API key, with a value or with one behind it.
fn sets_key(word: &str) -> bool {
    let key = word.split('=').next().unwrap_or_default();
    key.eq_ignore_ascii_case("llm.api_key")
        || KeyPath::parse(key).is_ok_and(|path| matches!(path.key.kind, Kind::Secret))
}

fn report(
    settings: &[(KeyPath, String)],
    source: &str,
    context: &Context<'_>,
) -> Result<ExitCode, CliError> {
    for (key, typed) in settings {
        let shown = if key.key.kind.may_be_secret() { "…" } else { typed };
        let notice = NoticeView::ConfigSet { key: key.to_string(), source: source.to_owned() };
        context.printer.done(&format!("{key} = {shown} in {source}"), &notice)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Parses `KEY=VALUE …`, or `KEY VALUE`.
fn parse(words: &[String]) -> Result<Vec<(KeyPath, String)>, CliError> {
    let usage = CliError::Usage;
    if let [key, value] = words
        && !key.contains('=')
    {
        return Ok(vec![(KeyPath::parse(key).map_err(usage)?, value.clone())]);
    }
    let parsed = words.iter().map(|word| match word.split_once('=') {
        Some((key, value)) => Ok((KeyPath::parse(key.trim()).map_err(usage)?, value.to_owned())),
        None => {
            let key = KeyPath::parse(word).map_err(usage)?;
            let what = key.key.kind.in_words();
            let what = match key.key.kind {
                Kind::Table(_) => format!("{key} is a table; set one of its keys"),
                _ => format!("{key} has no value; write {key}=VALUE, where VALUE is {what}"),
            };
            Err(CliError::Usage(what))
        }
    });
    parsed.collect()
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn parsed(words: &[&str]) -> Result<Vec<(String, String)>, String> {
        let words: Vec<_> = words.iter().map(ToString::to_string).collect();
        let parsed = parse(&words).map_err(|error| error.to_string())?;
        Ok(parsed.into_iter().map(|(key, value)| (key.to_string(), value)).collect())
    }

    #[test]
    fn keys_and_values_are_separated_by_an_equals_sign_or_a_space() {
        let set = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let model = set("llm.model", "a=b");
        assert_eq!(parsed(&["llm.model=a=b"]), Ok(vec![model.clone()]));
        assert_eq!(parsed(&["llm.model", "a=b"]), Ok(vec![model.clone()]));
        assert_eq!(
            parsed(&["llm.model=a=b", "llm.provider=c"]),
            Ok(vec![model, set("llm.default_provider", "c")])
        );
        let missing = "llm.model has no value; write llm.model=VALUE, where VALUE is text";
        assert_eq!(parsed(&["llm.model"]), Err(missing.to_owned()));
        assert_eq!(parsed(&["llm"]), Err("llm is a table; set one of its keys".to_owned()));
    }
}
