//! The models that have a name: those of the configuration, and those that everybody has.

use std::path::PathBuf;

use az_ai::config::ProviderConfig;
use az_ai::provider::connect::check;
use az_ai::provider::known::{KnownProvider, NAMES, PROVIDERS};

use crate::config::FoundConfig;

/// A named model, and who offers it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What was written down, or would have been.
    pub config: ProviderConfig,
    /// Who offers it.
    pub provider: &'static KnownProvider,
    /// Whether it stands in the configuration.
    pub configured: bool,
    /// The file with its key; absent when there is none, or when it is told by the home directory.
    pub key_file: Option<PathBuf>,
}

impl Entry {
    /// Returns the model that is asked when only the entry is named.
    pub fn model(&self) -> Option<&str> {
        self.config.model.as_deref().or(self.provider.model)
    }
}

/// All entries, the configured ones first.
#[derive(Debug, Clone)]
pub struct Entries(Vec<Entry>);

impl Entries {
    /// Returns the configured entries and, where they leave the name free, those that everybody
    /// has: the names that work out of the box, and one for each provider.
    ///
    /// # Errors
    ///
    /// What is wrong with an entry: its name, its provider, what it says that its model can do.
    pub fn new(configured: &[ProviderConfig]) -> Result<Self, String> {
        let mut entries: Vec<Entry> = Vec::new();
        for config in configured {
            let name = &config.name;
            if entries.iter().any(|entry| entry.config.name == *name) {
                return Err(format!("there are two called {name:?}; give one another name"));
            }
            let unclear = name.is_empty() || name.contains(['/', ':', '@']);
            if unclear || RESERVED.contains(&name.as_str()) {
                return Err(format!(
                    "{name:?} cannot be a model's name; use letters, digits and -, \
                     and none of {}",
                    RESERVED.join(", ")
                ));
            }
            let provider = check(config).map_err(|error| error.to_string())?;
            if config.api_key_env.as_deref().is_some_and(|variable| !is_variable(variable)) {
                // It is not shown: it may well be the key.
                return Err(format!(
                    "{name}: api_key_env is the name of a variable; a key itself is \
                     api_key"
                ));
            }
            let config = config.clone();
            entries.push(Entry { config, provider, configured: true, key_file: None });
        }
        let mut everybodys = |name: &str, provider: &'static KnownProvider, model: Option<&str>| {
            if entries.iter().all(|entry| entry.config.name != name) {
                let mut config = ProviderConfig::new(name, provider.name);
                config.model = model.map(str::to_owned);
                entries.push(Entry { config, provider, configured: false, key_file: None });
            }
        };
        for known in NAMES {
            if let Some(provider) = KnownProvider::find(known.provider) {
                everybodys(known.name, provider, Some(known.model));
            }
        }
        for provider in PROVIDERS.iter().filter(|known| known.base_url.is_some()) {
            everybodys(provider.name, provider, provider.model);
        }
        Ok(Self(entries))
    }

    /// Returns the entries with files of keys that are beside the configuration, unless their path
    /// says otherwise.
    pub(super) fn beside(mut self, found: &FoundConfig) -> Self {
        for entry in &mut self.0 {
            let file = entry.config.api_key_file.as_deref();
            let file = file.filter(|file| !file.starts_with("~/"));
            entry.key_file = file.map(|file| found.beside(file.as_ref()));
        }
        self
    }

    /// Moves what nobody configured of a provider to another address.
    pub(super) fn move_everybodys(&mut self, provider: &str, base_url: &str) {
        let everybodys = |entry: &&mut Entry| !entry.configured && entry.provider.name == provider;
        for entry in self.0.iter_mut().filter(everybodys) {
            entry.config.base_url = Some(base_url.to_owned());
        }
    }

    /// Finds an entry by its name.
    pub fn find(&self, name: &str) -> Option<&Entry> {
        self.0.iter().find(|entry| entry.config.name == name)
    }

    /// Finds who `provider/model` is to be asked of: an entry of that name, or a provider's other
    /// name.
    pub fn find_provider(&self, name: &str) -> Option<&Entry> {
        let alias = || self.find(KnownProvider::find(name)?.name);
        self.find(name).or_else(alias)
    }

    /// Lists them.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.0.iter()
    }

    /// Lists their names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.iter().map(|entry| entry.config.name.as_str())
    }
}

/// Names that mean something else.
const RESERVED: &[&str] = &["auto", "demo", "local", "offline", "record", "replay", "scripted"];

/// Whether this can be a variable's name. Names are mostly upper case; what is not, and is as long
/// as a key, may be one.
fn is_variable(name: &str) -> bool {
    const LONGEST_IN_LOWER_CASE: usize = 24;
    let first = name.chars().next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let all = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let lower = name.chars().any(|c| c.is_ascii_lowercase());
    first && all && (!lower || name.len() <= LONGEST_IN_LOWER_CASE)
}

#[cfg(test)]
mod tests {
    use az_ai::config::ProviderConfig;

    use super::Entries;

    #[test]
    fn a_configured_entry_stands_before_everybodys() {
        let mut mine = ProviderConfig::new("claude", "anthropic");
        mine.model = Some("claude-mine".to_owned());
        let entries = Entries::new(&[mine]).unwrap();
        assert_eq!(entries.find("claude").unwrap().model(), Some("claude-mine"));
        assert_eq!(entries.names().filter(|name| *name == "claude").count(), 1);
        assert_eq!(entries.find_provider("google").unwrap().config.name, "gemini");
        assert!(entries.find("gpt4").unwrap().model().is_some());
    }

    #[test]
    fn entries_that_cannot_be_are_refused() {
        let refused = |configs: &[ProviderConfig]| Entries::new(configs).unwrap_err();
        let one = ProviderConfig::new("mine", "groq");
        assert!(refused(&[one.clone(), one]).contains("there are two called \"mine\""));
        assert!(
            refused(&[ProviderConfig::new("auto", "groq")]).contains("cannot be a model's name")
        );
        let error = refused(&[ProviderConfig::new("x", "anthropc")]);
        assert!(error.contains("try anthropic"), "{error}");
    }

    #[test]
    fn figures_features_and_addresses_that_cannot_be_are_refused() {
        let refused = |change: &dyn Fn(&mut ProviderConfig)| {
            let mut config = ProviderConfig::new("mine", "groq");
            change(&mut config);
            Entries::new(&[config]).unwrap_err()
        };
        let says = |error: String, what: &str| assert!(error.contains(what), "{error}");
        says(refused(&|c| c.max_tokens = Some(0)), "mine is not set up: max_tokens is 0");
        says(refused(&|c| c.context_window = Some(0)), "context_window is 0");
        says(refused(&|c| c.features = Some(vec!["visoin".into()])), "no feature \"visoin\"");
        says(refused(&|c| c.base_url = Some("127.0.0.1:1".into())), "http:// or https://");
        says(refused(&|c| c.provider = "custom".into()), "it needs a base_url");
    }

    #[test]
    fn a_key_in_the_place_of_a_variables_name_is_refused_and_not_shown() {
        for key in ["sk-canary", "gsk_canarycanarycanarycanary0123", ""] {
            let mut config = ProviderConfig::new("mine", "groq");
            config.api_key_env = Some(key.to_owned());
            assert_eq!(
                Entries::new(&[config]).unwrap_err(),
                "mine: api_key_env is the name of a variable; a key itself is api_key"
            );
        }
        for name in ["GROQ_API_KEY_OF_THE_HOUSE_AND_ITS_GUESTS", "my_key"] {
            let mut config = ProviderConfig::new("mine", "groq");
            config.api_key_env = Some(name.to_owned());
            Entries::new(&[config]).unwrap();
        }
    }
}
