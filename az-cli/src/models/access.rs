//! Where keys are kept, and where providers are.

use std::path::{Path, PathBuf};

use az_ai::key::ApiKey;
use az_ai::provider::known::Api;

use super::entries::Entry;
use crate::config::Env;

/// What is known of an entry's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// It has one, from here.
    Key(ApiKey, String),
    /// Its provider wants none.
    Open,
    /// There is none; this would be the place for it.
    Missing(String),
}

impl Access {
    /// Looks an entry's key up.
    pub fn of(entry: &Entry, env: &Env) -> Self {
        let config = &entry.config;
        if let Some(key) = &config.api_key {
            return Self::Key(key.clone(), "the configuration".to_owned());
        }
        if let Some(name) = &config.api_key_env {
            return match env.get(name) {
                Some(key) => Self::Key(ApiKey::new(key), format!("${name}")),
                None => Self::Missing(format!("set ${name}")),
            };
        }
        if let Some(file) = &config.api_key_file {
            let path = entry.key_file.clone().unwrap_or_else(|| expand(file, env));
            // What looks like no path may be the key itself, and is not shown.
            let named = match file.contains(['/', '.']) {
                true => format!("api_key_file {}", path.display()),
                false => "the file that api_key_file names".to_owned(),
            };
            return match std::fs::read_to_string(&path) {
                Ok(key) if !key.trim().is_empty() => {
                    Self::Key(ApiKey::new(key), path.display().to_string())
                }
                Ok(_) => Self::Missing(format!("{named} is empty")),
                Err(error) => Self::Missing(format!("{named}: {error}")),
            };
        }
        let mut customary = entry.provider.key_env.iter();
        if let Some((name, key)) = customary.find_map(|name| Some((name, env.get(name)?))) {
            return Self::Key(ApiKey::new(key), format!("${name}"));
        }
        match entry.provider.key_env.first() {
            // A server of one's own in a provider's place may want no key.
            Some(_) if base_url(entry, env).is_some() => Self::Open,
            Some(name) => Self::Missing(format!("set ${name}")),
            None => Self::Open,
        }
    }

    /// Whether the provider can be asked.
    pub const fn is_usable(&self) -> bool {
        !matches!(self, Self::Missing(_))
    }
}

/// Returns where an entry's provider is, when it is not where it always is: with the version of
/// its API, or without, as the paths that follow want it.
pub(super) fn base_url(entry: &Entry, env: &Env) -> Option<String> {
    let from_env = || entry.provider.base_url_env.iter().find_map(|name| env.get(name));
    let url = entry.config.base_url.as_deref().or_else(from_env)?.trim_end_matches('/');
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

/// Returns an address as it may be shown: without a user, a password or a query, which may be
/// secrets.
pub(super) fn shown(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}{path}")
}

/// Returns a path in which `~` is the home directory.
fn expand(path: &str, env: &Env) -> PathBuf {
    let home = || env.path("HOME");
    match (path.strip_prefix("~/"), home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => Path::new(path).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use az_ai::config::ProviderConfig;
    use az_ai::key::ApiKey;

    use super::{Access, base_url, shown};
    use crate::config::Env;
    use crate::models::entries::{Entries, Entry};

    fn entry(change: impl FnOnce(&mut ProviderConfig)) -> Entry {
        let mut config = ProviderConfig::new("mine", "anthropic");
        change(&mut config);
        Entries::new(&[config]).unwrap().find("mine").unwrap().clone()
    }

    #[test]
    fn a_key_is_looked_for_where_the_entry_says_and_then_where_it_is_by_custom() {
        let env = Env::from([("ANTHROPIC_API_KEY", "usual"), ("MINE", "special")]);
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
            Access::of(&entry(|_| {}), &Env::default()),
            Access::Missing("set $ANTHROPIC_API_KEY".to_owned())
        );
    }

    #[test]
    fn a_server_in_a_providers_place_may_want_no_key() {
        let env = Env::from([("ANTHROPIC_BASE_URL", "http://127.0.0.1:4010")]);
        assert_eq!(Access::of(&entry(|_| {}), &env), Access::Open);
        let ollama = Entries::new(&[]).unwrap().find("ollama").unwrap().clone();
        let env = Env::from([("OLLAMA_HOST", "127.0.0.1:9")]);
        assert_eq!(base_url(&ollama, &env).as_deref(), Some("http://127.0.0.1:9"));
    }

    #[test]
    fn an_address_is_good_with_the_version_of_the_api_or_without() {
        let at = |name: &str, variable: &str, url: &str| {
            let entry = Entries::new(&[]).unwrap().find(name).unwrap().clone();
            base_url(&entry, &Env::from([(variable, url)])).unwrap()
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

    #[test]
    fn an_address_is_shown_without_what_may_be_secret() {
        for (url, expected) in [
            ("http://u:p@h:1/v1?key=secret#x", "http://h:1/v1"),
            ("https://h?key=secret", "https://h"),
            ("https://h/a@b", "https://h/a@b"),
            ("http://u:p@x@h/", "http://h/"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }
}
