//! Where keys are kept, and where providers are.

use std::path::{Path, PathBuf};

use az_ai::key::ApiKey;

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
            let path = expand(file, env);
            return match std::fs::read_to_string(&path) {
                Ok(key) if !key.trim().is_empty() => {
                    Self::Key(ApiKey::new(key), path.display().to_string())
                }
                Ok(_) => Self::Missing(format!("{} is empty", path.display())),
                Err(error) => Self::Missing(format!("{}: {error}", path.display())),
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

/// Returns where an entry's provider is, when it is not where it always is.
pub(super) fn base_url(entry: &Entry, env: &Env) -> Option<String> {
    if let Some(url) = &entry.config.base_url {
        return Some(url.clone());
    }
    let url = entry.provider.base_url_env.iter().find_map(|name| env.get(name))?;
    // Ollama's own variable is a bare address.
    let bare = !url.starts_with("http://") && !url.starts_with("https://");
    Some(if bare { format!("http://{url}") } else { url.to_owned() })
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

    use super::{Access, base_url};
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
            matches!(found(&file), Access::Missing(why) if why.starts_with("/nonexistent/key: "))
        );
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
}
