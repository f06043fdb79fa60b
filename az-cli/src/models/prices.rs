//! What models cost: the bundled table, the configured prices, and a file of one's own.

use std::sync::{Arc, OnceLock};

use az_ai::client::LlmClient;
use az_ai::error::Error;
use az_ai::pricing::{Call, ModelPrices, PriceBook, PriceFile, PricedClient, provider_id};
use az_ai::provider::WireClient;
use az_ai::provider::connect::booked_as;
use az_ai::resolver::near;
use az_core::Clock;
use az_core::clock::SystemClock;

use super::entries::{Entries, Entry};
use super::unknown::did_you_mean;
use crate::error::CliError;
use crate::settings::Settings;

/// The prices, read when they are first asked for.
#[derive(Debug)]
pub struct Prices {
    settings: Settings,
    /// The entries' names, each with whom it is priced as.
    entries: Vec<(String, String)>,
    book: OnceLock<PriceBook>,
}

impl Prices {
    pub(super) fn new(settings: Settings, entries: &Entries) -> Self {
        let named = |entry: &Entry| (entry.config.name.clone(), priced_as(entry));
        let entries = entries.iter().map(named).collect();
        Self { settings, entries, book: OnceLock::new() }
    }

    /// Returns the book.
    ///
    /// # Errors
    ///
    /// A settings error for a file of prices that cannot be read or makes no sense: with file, line
    /// and column.
    pub fn book(&self) -> Result<PriceBook, CliError> {
        if let Some(book) = self.book.get() {
            return Ok(book.clone());
        }
        let mut book = PriceBook::bundled();
        if let Some(path) = &self.settings.llm.prices_file {
            let (file, text) = self.settings.named_file("llm.prices_file", path)?;
            let read = PriceFile::parse(&file, &text);
            let read = read.map_err(|error| CliError::Settings(error.to_string()))?;
            self.check_providers(&book, &read)?;
            book = book.with_file(read);
        }
        Ok(self.book.get_or_init(|| book).clone())
    }

    /// Refuses prices of a provider that does not exist: they would never apply.
    fn check_providers(&self, book: &PriceBook, file: &PriceFile) -> Result<(), CliError> {
        let mut known: Vec<String> =
            self.entries.iter().map(|(_, provider)| provider_id(provider)).collect();
        known.extend(book.models().map(|model| model.provider.to_string()));
        known.sort_unstable();
        known.dedup();
        let unknown = |(name, _): &(&str, _)| !known.contains(&provider_id(name));
        let Some((name, location)) = file.providers().find(unknown) else { return Ok(()) };
        let what = match self.entries.iter().find(|(entry, _)| entry == name) {
            Some((_, provider)) => format!("the prices of {name:?} are those of {provider:?}"),
            None => {
                let likely = near(name, known.iter().map(String::as_str));
                format!("no provider or entry is called {name:?}{}", did_you_mean(&likely))
            }
        };
        Err(CliError::Settings(format!("{location}: {what}")))
    }

    /// Whether the table has a model of this name.
    ///
    /// # Errors
    ///
    /// Those of [`book`](Self::book).
    pub fn knows(&self, model: &str) -> Result<bool, CliError> {
        Ok(self.book()?.models().any(|known| is_called(known, model)))
    }

    /// Returns who offers a model of this name.
    ///
    /// # Errors
    ///
    /// Those of [`book`](Self::book).
    pub fn provider_of(&self, model: &str) -> Result<Option<String>, CliError> {
        let book = self.book()?;
        // Who makes a model stands before who resells it.
        let makers = ["anthropic", "openai", "google", "deepseek", "mistral", "xai"];
        let offering = |provider: &&&str| {
            let call = Call { provider, model, at: SystemClock.now() };
            book.prices(&call).is_some_and(|(known, _)| is_called(known, model))
        };
        Ok(makers.iter().find(offering).map(|provider| (*provider).to_owned()))
    }

    /// Returns a client that knows what its calls cost, unless nobody wants to know.
    pub(super) fn priced(
        &self,
        client: Arc<WireClient>,
        entry: &Entry,
    ) -> Result<Arc<dyn LlmClient>, Error> {
        if !self.settings.llm.cost_tracking {
            return Ok(client);
        }
        let (book, provider) = self.of_entry(entry).map_err(|error| Error::Setup {
            provider: "prices".to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Arc::new(PricedClient::new(client, book, provider, Arc::new(SystemClock))))
    }

    /// Returns the book with the prices of an entry in it, and whom it is priced as.
    ///
    /// # Errors
    ///
    /// Those of [`book`](Self::book).
    pub fn of_entry(&self, entry: &Entry) -> Result<(PriceBook, String), CliError> {
        let provider = priced_as(entry);
        Ok((self.book()?.with_entry(&provider, &entry.config), provider))
    }
}

/// Calls are priced as whom they are booked as.
fn priced_as(entry: &Entry) -> String {
    booked_as(&entry.config, entry.provider)
}

fn is_called(known: &ModelPrices, model: &str) -> bool {
    let model = model.to_lowercase();
    known.model == model || known.names.iter().any(|name| *name == model)
}
