//! Looks up the keys and addresses of providers.

use std::fmt;
use std::io;
use std::sync::Arc;

use super::entries::Entry;
use crate::key::ApiKey;
use crate::provider::known::Api;

type Lookup<T> = Arc<dyn Fn(&str) -> T + Send + Sync>;

/// Environment variables and key files that a catalog may read.
///
/// This crate reads neither by itself. Without an environment, a key can only be in the configuration.
#[derive(Clone)]
pub struct Environment {
    variable: Lookup<Option<String>>,
    key_file: Lookup<KeyFile>,
}

/// A file that an entry names for its key.
#[derive(Debug)]
pub struct KeyFile {
    /// The path that was read.
    pub path: String,
    /// The text of the file.
    pub text: io::Result<String>,
}

/// Prints no values, because variables may hold secrets.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment").finish_non_exhaustive()
    }
}

impl Default for Environment {
    fn default() -> Self {
        Self::new(|_| None)
    }
}

impl Environment {
    /// Creates an environment of variables; a variable that is empty counts as absent.
    pub fn new(variable: impl Fn(&str) -> Option<String> + Send + Sync + 'static) -> Self {
        let key_file = |path: &str| KeyFile {
            path: path.to_owned(),
            text: Err(io::Error::new(io::ErrorKind::Unsupported, "key files are not read")),
        };
        Self { variable: Arc::new(variable), key_file: Arc::new(key_file) }
    }

    /// Returns the environment with files of keys; `read` takes the path as it is configured.
    #[must_use]
    pub fn with_key_files(
        mut self,
        read: impl Fn(&str) -> KeyFile + Send + Sync + 'static,
    ) -> Self {
        self.key_file = Arc::new(read);
        self
    }

    /// Returns a variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.variable)(name).filter(|value| !value.is_empty())
    }
}

/// The state of an entry's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// The key and its source.
    Key(ApiKey, String),
    /// The provider needs no key.
    Open,
    /// There is no key; contains what to do about it.
    Missing(String),
}

impl Access {
    /// Looks up the key of an entry.
    pub fn of(entry: &Entry, environment: &Environment) -> Self {
        let config = &entry.config;
        if let Some(key) = &config.api_key {
            return Self::Key(key.clone(), "the configuration".to_owned());
        }
        if let Some(name) = &config.api_key_env {
            return match environment.get(name) {
                Some(key) => Self::Key(ApiKey::new(key), format!("${name}")),
                None => Self::Missing(format!("set ${name}")),
            };
        }
        if let Some(file) = &config.api_key_file {
            return Self::in_file(file, environment);
        }
        let mut usual = entry.provider.key_env.iter().copied();
        if let Some((name, key)) = usual.find_map(|name| Some((name, environment.get(name)?))) {
            return Self::Key(ApiKey::new(key), format!("${name}"));
        }
        match entry.provider.key_env.first() {
            // A server at a configured address may need no key.
            Some(_) if base_url(entry, environment).is_some() => Self::Open,
            Some(name) => Self::Missing(format!("set ${name}")),
            None => Self::Open,
        }
    }

    /// Whether the provider can be called.
    pub const fn is_usable(&self) -> bool {
        !matches!(self, Self::Missing(_))
    }

    fn in_file(file: &str, environment: &Environment) -> Self {
        let KeyFile { path, text } = (environment.key_file)(file);
        // What does not look like a path may be the key itself, and is not shown.
        let name = match file.contains(['/', '.']) {
            true => format!("api_key_file {path}"),
            false => "the file that api_key_file names".to_owned(),
        };
        match text {
            Ok(key) if !key.trim().is_empty() => Self::Key(ApiKey::new(key), path),
            Ok(_) => Self::Missing(format!("{name} is empty")),
            Err(error) => Self::Missing(format!("{name}: {error}")),
        }
    }
}

/// Returns the address of an entry's provider if it is not the usual one: with the version of the API
/// or without, as the provider's paths require.
pub(super) fn base_url(entry: &Entry, environment: &Environment) -> Option<String> {
    let variables = entry.provider.base_url_env.iter();
    let configured = entry.config.base_url.clone();
    let url = configured.or_else(|| variables.copied().find_map(|name| environment.get(name)))?;
    let url = url.trim_end_matches('/');
    // Ollama's own variable is a bare address.
    let bare = !url.starts_with("http://") && !url.starts_with("https://");
    let url = if bare { format!("http://{url}") } else { url.to_owned() };
    Some(match entry.provider.api {
        Api::Anthropic => url.strip_suffix("/v1").unwrap_or(&url).to_owned(),
        Api::Gemini if !ends_in_version(&url) => format!("{url}/v1beta"),
        _ => url,
    })
}

/// Whether the last part of an address is a version, such as `v1beta`.
fn ends_in_version(url: &str) -> bool {
    let last = url.rsplit('/').next().unwrap_or_default();
    last.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io;

    use super::{Access, Environment, KeyFile, base_url};
    use crate::catalog::{Entries, Entry};
    use crate::config::ProviderConfig;
    use crate::key::ApiKey;

    fn variables<const N: usize>(variables: [(&str, &str); N]) -> Environment {
        let variables: BTreeMap<_, _> =
            variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let environment = Environment::new(move |name| variables.get(name).cloned());
        environment.with_key_files(|file| KeyFile {
            path: file.to_owned(),
            text: Err(io::ErrorKind::NotFound.into()),
        })
    }

    fn entry(change: impl FnOnce(&mut ProviderConfig)) -> Entry {
        let mut config = ProviderConfig::new("mine", "anthropic");
        change(&mut config);
        Entries::new(&[config], &[]).unwrap().find("mine").unwrap().clone()
    }

    #[test]
    fn the_entrys_key_takes_precedence_over_the_usual_variables() {
        let env = variables([("ANTHROPIC_API_KEY", "usual"), ("MINE", "special")]);
        let found = |entry: &Entry| Access::of(entry, &env);
        let key = |key: &str, from: &str| Access::Key(ApiKey::new(key), from.to_owned());
        assert_eq!(found(&entry(|_| {})), key("usual", "$ANTHROPIC_API_KEY"));
        let special = entry(|config| config.api_key_env = Some("MINE".to_owned()));
        assert_eq!(found(&special), key("special", "$MINE"));
        let written = entry(|config| config.api_key = Some(ApiKey::new("k")));
        assert_eq!(found(&written), key("k", "the configuration"));
        let nowhere = entry(|config| config.api_key_env = Some("NOWHERE".to_owned()));
        assert_eq!(found(&nowhere), Access::Missing("set $NOWHERE".to_owned()));
        let file = entry(|config| config.api_key_file = Some("/nonexistent/key".to_owned()));
        assert!(
            matches!(found(&file), Access::Missing(why) if why.starts_with("api_key_file /nonexistent/key: "))
        );
        let key = entry(|config| config.api_key_file = Some("sk-canary".to_owned()));
        assert!(matches!(found(&key), Access::Missing(why) if !why.contains("canary")));
        assert_eq!(
            Access::of(&entry(|_| {}), &Environment::default()),
            Access::Missing("set $ANTHROPIC_API_KEY".to_owned())
        );
    }

    #[test]
    fn a_server_at_a_configured_address_may_need_no_key() {
        let env = variables([("ANTHROPIC_BASE_URL", "http://127.0.0.1:4010")]);
        assert_eq!(Access::of(&entry(|_| {}), &env), Access::Open);
        let ollama = Entries::new(&[], &[]).unwrap().find("ollama").unwrap().clone();
        let env = variables([("OLLAMA_HOST", "127.0.0.1:9")]);
        assert_eq!(base_url(&ollama, &env).as_deref(), Some("http://127.0.0.1:9"));
    }

    #[test]
    fn an_address_may_omit_the_version_of_the_api() {
        let at = |name: &str, variable: &str, url: &str| {
            let entry = Entries::new(&[], &[]).unwrap().find(name).unwrap().clone();
            base_url(&entry, &variables([(variable, url)])).unwrap()
        };
        for url in ["http://h", "http://h/", "http://h/v1", "http://h/v1/"] {
            assert_eq!(at("claude", "ANTHROPIC_BASE_URL", url), "http://h");
        }
        for url in ["http://h", "http://h/", "http://h/v1beta", "http://h/v1beta/"] {
            assert_eq!(at("gemini", "GEMINI_BASE_URL", url), "http://h/v1beta");
        }
        assert_eq!(at("gemini", "GEMINI_BASE_URL", "http://h/v1"), "http://h/v1");
        assert_eq!(at("gpt4", "OPENAI_BASE_URL", "http://h/v1"), "http://h/v1");
    }
}
