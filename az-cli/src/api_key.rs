//! API keys that are entered: they are written into files that only the user can read.

use std::io::{IsTerminal, Read, stdin};
use std::path::{Path, PathBuf};

use az_ai::provider::known::{KnownProvider, NAMES, PROVIDERS};
use az_ai::resolver::near;

use crate::config::{ConfigFile, ConfigLayers, Env, KeyPath};
use crate::error::CliError;
use crate::models::did_you_mean;
use crate::output::{ask_secret, can_ask};

/// The longest key that is read.
const LONGEST: u64 = 16 << 10;

/// Reads a key: at a terminal without showing it, else from standard input.
///
/// # Errors
///
/// A usage error for a key that is empty or has several lines, or was not entered.
pub(crate) fn read_key(name: &str) -> Result<String, CliError> {
    let io = |source| CliError::Io { what: "reading the key".to_owned(), source };
    let key = if can_ask() {
        let question = format!("API key of {name} (it is not shown):");
        let cancelled = || CliError::Usage("no key was entered; nothing was changed".to_owned());
        ask_secret(&question).map_err(io)?.ok_or_else(cancelled)?
    } else if stdin().is_terminal() {
        // The question would not be seen, and the terminal would show the key.
        return Err(CliError::Usage(
            "the key cannot be asked for while standard error is redirected; leave the redirection \
             out, or pass the key on standard input, as in `az config set llm.api_key < key.txt`"
                .to_owned(),
        ));
    } else {
        let mut key = String::new();
        stdin().lock().take(LONGEST).read_to_string(&mut key).map_err(io)?;
        key
    };
    match key.trim() {
        "" => Err(CliError::Usage(
            "the key is empty; enter it at the terminal, or pass it on standard input, as in `az \
             config set llm.api_key < key.txt`"
                .to_owned(),
        )),
        key if key.chars().any(|c| c.is_control() || c.is_whitespace()) => Err(CliError::Usage(
            "the key has spaces or several lines; pass only the key".to_owned(),
        )),
        key => Ok(key.to_owned()),
    }
}

/// Returns the provider of an entry that does not exist yet.
///
/// # Errors
///
/// A usage error for a name that is not known, with similar ones.
pub(crate) fn provider_of(name: &str) -> Result<&'static str, CliError> {
    let of_name = NAMES.iter().find(|known| known.name == name).map(|known| known.provider);
    let known = of_name.or_else(|| KnownProvider::find(name).map(|known| known.name));
    known.ok_or_else(|| {
        let names = NAMES.iter().map(|known| known.name);
        let names = names.chain(PROVIDERS.iter().map(|known| known.name));
        let likely = did_you_mean(&near(name, names));
        CliError::Usage(format!(
            "no entry {name:?} and no such provider{likely}; create the entry first, as in `az config \
             set llm.providers.{name}.provider=openai-compatible`"
        ))
    })
}

/// Adds a file with a key to the user's file, beside it, and names it in the entry, which is created if it
/// does not exist. Returns the path of the key's file.
///
/// # Errors
///
/// An unknown provider, or a name that cannot be that of a file.
pub(crate) fn add_key(file: &mut ConfigFile, name: &str, key: &str) -> Result<PathBuf, CliError> {
    if !is_file_name(name) {
        let what = format!("{name:?} cannot be the name of an entry; use letters, digits, - and _");
        return Err(CliError::Usage(what));
    }
    let entry = |field: &str| {
        KeyPath::parse(&format!("llm.providers.{name}.{field}")).map_err(CliError::Usage)
    };
    if !file.has(&entry("provider")?) {
        let provider = provider_of(name)?;
        file.set(&entry("provider")?, provider)?;
    }
    let relative = format!("keys/{name}.key");
    file.set(&entry("api_key_file")?, &relative)?;
    for other in ["api_key", "api_key_env"] {
        file.unset(&entry(other)?)?;
    }
    let path = file.path().parent().unwrap_or(Path::new(".")).join(&relative);
    file.add_secret(path.clone(), format!("{key}\n"));
    Ok(path)
}

fn is_file_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !name.is_empty() && name.chars().all(legal)
}

/// Returns the name of the entry whose key `llm.api_key` is: that of `llm.default_provider`. The files of
/// projects have no say in it.
///
/// # Errors
///
/// A usage error if there is none.
pub(crate) fn default_entry(env: &Env) -> Result<String, CliError> {
    let llm = ConfigLayers::read(env, None)?.resolve()?.config.llm;
    let named = llm.default_provider.or(llm.model);
    let named = named.map(|name| name.split('/').next().unwrap_or_default().to_owned());
    let only = match llm.providers.as_slice() {
        [only] => Some(only.name.clone()),
        _ => None,
    };
    named.or(only).ok_or_else(|| {
        CliError::Usage(
            "it is not known whose key it is: set the provider first, as in `az config set \
             llm.provider=gemini`, or name it, as in `az config set llm.providers.gemini.api_key`"
                .to_owned(),
        )
    })
}
