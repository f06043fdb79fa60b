//! The named models: those of a configuration, and those that are known by default.

use super::invalid::InvalidEntry;
use crate::config::ProviderConfig;
use crate::model_name::ModelName;
use crate::provider::connect::{booked_as, check};
use crate::provider::known::{KnownProvider, NAMES, PROVIDERS};

/// A named model and its provider.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Entry {
    /// The entry as it is configured, or as it is by default.
    pub config: ProviderConfig,
    /// The provider.
    pub provider: &'static KnownProvider,
    /// Whether the configuration lists it.
    pub configured: bool,
}

impl Entry {
    /// Returns the model that is used when only the entry is named; `None` if a model has to be named.
    pub fn model(&self) -> Option<&str> {
        self.config.model.as_deref().or(self.provider.model)
    }

    /// Returns the provider that its calls are priced and booked as.
    pub fn priced_as(&self) -> String {
        booked_as(&self.config, self.provider)
    }
}

/// All entries, the configured ones first.
#[derive(Debug, Clone)]
pub struct Entries(Vec<Entry>);

impl Entries {
    /// Creates the configured entries and, for names that they leave free, the default ones: the names
    /// that work without a configuration, and one for each provider. `reserved` are names that have
    /// another meaning, besides [`ModelName::RESERVED`].
    ///
    /// # Errors
    ///
    /// [`InvalidEntry`] for an invalid name, provider, feature, figure or address.
    pub fn new(configured: &[ProviderConfig], reserved: &[&str]) -> Result<Self, InvalidEntry> {
        let mut entries: Vec<Entry> = Vec::new();
        for (index, config) in configured.iter().enumerate() {
            let invalid = |reason| InvalidEntry { index, reason };
            if entries.iter().any(|entry| entry.config.name == config.name) {
                let name = &config.name;
                let reason = format!("there are two called {name:?}; give one another name");
                return Err(invalid(reason));
            }
            let provider = checked(config, reserved).map_err(invalid)?;
            entries.push(Entry { config: config.clone(), provider, configured: true });
        }
        let mut default = |name: &str, provider: &'static KnownProvider, model: Option<&str>| {
            if entries.iter().all(|entry| entry.config.name != name) {
                let mut config = ProviderConfig::new(name, provider.name);
                config.model = model.map(str::to_owned);
                entries.push(Entry { config, provider, configured: false });
            }
        };
        for known in NAMES {
            if let Some(provider) = KnownProvider::find(known.provider) {
                default(known.name, provider, Some(known.model));
            }
        }
        for provider in PROVIDERS.iter().filter(|known| known.base_url.is_some()) {
            default(provider.name, provider, provider.model);
        }
        Ok(Self(entries))
    }

    /// Sets the address of a provider's entries that the configuration does not list.
    pub(super) fn set_default_base_url(&mut self, provider: &str, base_url: &str) {
        let default = |entry: &&mut Entry| !entry.configured && entry.provider.name == provider;
        for entry in self.0.iter_mut().filter(default) {
            entry.config.base_url = Some(base_url.to_owned());
        }
    }

    /// Finds an entry by its name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.config.name == name)
    }

    /// Finds the entry that `provider/model` goes to: one of that name, or that of the provider which
    /// has the name as an alias.
    pub fn find_provider(&self, name: &str) -> Option<&Entry> {
        let alias = || self.find(KnownProvider::find(name)?.name);
        self.find(name).or_else(alias)
    }

    /// Returns all entries.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter()
    }

    /// Returns the names of all entries.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|entry| entry.config.name.as_str())
    }
}

/// Checks a configured entry, and returns its provider; the error is the reason.
fn checked(config: &ProviderConfig, reserved: &[&str]) -> Result<&'static KnownProvider, String> {
    let name = &config.name;
    let mut reserved: Vec<_> =
        ModelName::RESERVED.into_iter().chain(reserved.iter().copied()).collect();
    let ambiguous = name.trim().is_empty() || name.contains(['/', ':', '@']);
    if ambiguous || reserved.contains(&name.as_str()) {
        reserved.sort_unstable();
        return Err(format!(
            "invalid name {name:?}: use letters, digits and -, and none of {}",
            reserved.join(", ")
        ));
    }
    let provider = check(config).map_err(|error| error.to_string())?;
    if config.api_key_env.as_deref().is_some_and(|variable| !is_variable(variable)) {
        // The value is not quoted: it may be the key.
        return Err(format!(
            "{name}: api_key_env is the name of a variable; a key itself is api_key"
        ));
    }
    Ok(provider)
}

/// Whether this can be a variable's name. Names are mostly upper case; what is not, and is as long
/// as a key, may be a key.
fn is_variable(name: &str) -> bool {
    const LONGEST_IN_LOWER_CASE: usize = 24;
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let all = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let lower = name.chars().any(|c| c.is_ascii_lowercase());
    first && all && (!lower || name.len() <= LONGEST_IN_LOWER_CASE)
}

#[cfg(test)]
mod tests {
    use super::Entries;
    use crate::config::ProviderConfig;

    #[test]
    fn a_configured_entry_replaces_the_default_one() {
        let mut mine = ProviderConfig::new("claude", "anthropic");
        mine.model = Some("claude-mine".to_owned());
        let entries = Entries::new(&[mine], &["demo"]).unwrap();
        assert_eq!(entries.find("claude").unwrap().model(), Some("claude-mine"));
        assert_eq!(entries.names().filter(|name| *name == "claude").count(), 1);
        assert_eq!(entries.find_provider("google").unwrap().config.name, "gemini");
        assert!(entries.find("gpt4").unwrap().model().is_some());
    }

    #[test]
    fn invalid_names_and_providers_are_refused() {
        let refused =
            |configs: &[ProviderConfig]| Entries::new(configs, &["demo"]).unwrap_err().reason;
        let one = ProviderConfig::new("mine", "groq");
        assert!(refused(&[one.clone(), one]).contains("there are two called \"mine\""));
        assert_eq!(
            refused(&[ProviderConfig::new("demo", "groq")]),
            "invalid name \"demo\": use letters, digits and -, and none of auto, demo, local, \
             offline, record, replay, scripted"
        );
        for name in ["", " ", "a/b", "a:b", "a@b", "auto"] {
            let error = refused(&[ProviderConfig::new(name, "groq")]);
            assert!(error.starts_with(&format!("invalid name {name:?}: ")), "{error}");
        }
        let error = refused(&[ProviderConfig::new("x", "anthropc")]);
        assert!(error.contains("try anthropic"), "{error}");
    }

    #[test]
    fn invalid_figures_features_and_addresses_are_refused() {
        let refused = |change: &dyn Fn(&mut ProviderConfig)| {
            let mut config = ProviderConfig::new("mine", "groq");
            change(&mut config);
            Entries::new(&[config], &["demo"]).unwrap_err().reason
        };
        let says = |error: String, what: &str| assert!(error.contains(what), "{error}");
        says(refused(&|c| c.max_tokens = Some(0)), "mine is not set up: invalid max_tokens");
        says(refused(&|c| c.context_window = Some(0)), "invalid context_window");
        says(refused(&|c| c.features = Some(vec!["visoin".into()])), "unknown feature \"visoin\"");
        says(refused(&|c| c.base_url = Some("127.0.0.1:1".into())), "http:// or https://");
        says(refused(&|c| c.provider = "custom".into()), "it needs a base_url");
        let fee = |c: &mut ProviderConfig| c.cost_per_request = "0.005".parse().ok();
        says(refused(&fee), "cost_per_request needs the price of a token");
    }

    #[test]
    fn a_key_in_place_of_a_variables_name_is_refused_and_not_shown() {
        for key in ["sk-canary", "gsk_canarycanarycanarycanary0123", ""] {
            let mut config = ProviderConfig::new("mine", "groq");
            config.api_key_env = Some(key.to_owned());
            assert_eq!(
                Entries::new(&[config], &["demo"]).unwrap_err().reason,
                "mine: api_key_env is the name of a variable; a key itself is api_key"
            );
        }
        for name in ["GROQ_API_KEY_OF_THE_HOUSE_AND_ITS_GUESTS", "my_key"] {
            let mut config = ProviderConfig::new("mine", "groq");
            config.api_key_env = Some(name.to_owned());
            Entries::new(&[config], &["demo"]).unwrap();
        }
    }
}
