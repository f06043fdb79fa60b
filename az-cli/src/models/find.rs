//! Finds what is known of a model, without a request.

use az_ai::catalog::{Access, Target, displayed_url};
use az_ai::model_name::ModelName;
use az_ai::pricing::PriceBook;
use az_core::Clock;
use az_core::clock::SystemClock;

use super::choose::ModelChooser;
use super::unknown::invalid_name;
use crate::error::CliError;

/// What is known of a model.
#[derive(Debug)]
pub struct Found {
    /// The provider.
    pub provider: String,
    /// The provider's name for the model.
    pub model: String,
    /// The provider that it is priced as.
    pub priced_as: String,
    /// The prices.
    pub book: PriceBook,
    /// Where its key is, or what to do about a missing one.
    pub key: Option<String>,
    /// The address of the provider, without secrets.
    pub base_url: Option<String>,
}

impl ModelChooser {
    /// Finds what is known of a model, whether it can be used or not.
    ///
    /// # Errors
    ///
    /// A settings error for an unknown name.
    pub async fn find(&self, name: &str) -> Result<Found, CliError> {
        let parsed: ModelName = name.parse().map_err(|error| invalid_name(&error))?;
        if let Some(found) = self.find_entry(&self.with_maker(parsed)) {
            return Ok(found);
        }
        let chosen = self.choose(Some(name)).await?;
        let parsed: ModelName = chosen.name.parse().map_err(|error| invalid_name(&error))?;
        Ok(self.find_entry(&parsed).unwrap_or_else(|| Found {
            provider: chosen.name.split(['/', ':']).next().unwrap_or_default().to_owned(),
            model: chosen.name.clone(),
            priced_as: "local".to_owned(),
            book: self.catalog().prices().clone(),
            key: None,
            base_url: None,
        }))
    }

    /// Returns the name of a model that is no entry with its maker as the provider, if the maker is known.
    pub fn with_maker(&self, name: ModelName) -> ModelName {
        let catalog = self.catalog();
        let ModelName::Named(model) = &name else { return name };
        if catalog.target(&name).is_some() || catalog.is_added(&name) {
            return name;
        }
        match catalog.prices().maker_of(model, SystemClock.now()) {
            Some(maker) => {
                ModelName::Qualified { provider: maker.to_owned(), model: model.to_owned() }
            }
            None => name,
        }
    }

    fn find_entry(&self, name: &ModelName) -> Option<Found> {
        let catalog = self.catalog();
        let Target { entry, model, .. } = catalog.target(name)?;
        let (book, priced_as) = catalog.prices_of(entry);
        let key = match catalog.access(entry) {
            Access::Key(_, from) => Some(format!("from {from}")),
            Access::Open => None,
            Access::Missing(how) => Some(format!("missing: {how}")),
        };
        let usual = || entry.provider.base_url.map(displayed_url);
        Some(Found {
            provider: entry.provider.name.to_owned(),
            model: model.unwrap_or_default().to_owned(),
            priced_as,
            book,
            key,
            base_url: catalog.base_url(entry).or_else(usual),
        })
    }
}
