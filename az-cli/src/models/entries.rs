//! The models that have a name: those of the configuration, and those that everybody has.

use az_ai::config::ProviderConfig;
use az_ai::provider::connect::known;
use az_ai::provider::known::{KnownProvider, NAMES, PROVIDERS};

use crate::error::CliError;

/// A named model, and who offers it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What was written down, or would have been.
    pub config: ProviderConfig,
    /// Who offers it.
    pub provider: &'static KnownProvider,
    /// Whether it stands in the configuration.
    pub configured: bool,
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
    /// A settings error for an entry whose provider nobody knows, or whose name is there twice.
    pub fn new(configured: &[ProviderConfig]) -> Result<Self, CliError> {
        let mut entries: Vec<Entry> = Vec::new();
        for config in configured {
            if entries.iter().any(|entry| entry.config.name == config.name) {
                let name = &config.name;
                return Err(CliError::Settings(format!(
                    "llm.providers: there are two called {name:?}; give one another name"
                )));
            }
            let unclear = config.name.is_empty() || config.name.contains(['/', ':', '@']);
            if unclear || RESERVED.contains(&config.name.as_str()) {
                let name = &config.name;
                return Err(CliError::Settings(format!(
                    "llm.providers: {name:?} cannot be a model's name; use letters, digits and -, \
                     and none of {}",
                    RESERVED.join(", ")
                )));
            }
            let provider = known(config)
                .map_err(|error| CliError::Settings(format!("llm.providers: {error}")))?;
            entries.push(Entry { config: config.clone(), provider, configured: true });
        }
        let mut everybodys = |name: &str, provider: &'static KnownProvider, model: Option<&str>| {
            if entries.iter().all(|entry| entry.config.name != name) {
                let mut config = ProviderConfig::new(name, provider.name);
                config.model = model.map(str::to_owned);
                entries.push(Entry { config, provider, configured: false });
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
        let refused = |configs: &[ProviderConfig]| Entries::new(configs).unwrap_err().to_string();
        let one = ProviderConfig::new("mine", "groq");
        assert!(refused(&[one.clone(), one]).contains("there are two called \"mine\""));
        assert!(
            refused(&[ProviderConfig::new("auto", "groq")]).contains("cannot be a model's name")
        );
        let error = refused(&[ProviderConfig::new("x", "anthropc")]);
        assert!(error.contains("try anthropic"), "{error}");
    }
}
