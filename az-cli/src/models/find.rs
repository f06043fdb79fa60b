//! What is known of a model without asking it anything.

use az_ai::pricing::PriceBook;

use super::access::{Access, base_url, shown};
use super::choose::ModelChooser;
use super::entries::Entry;
use super::name::Name;
use crate::error::CliError;

/// What is known of a model.
#[derive(Debug)]
pub struct Found {
    /// Who offers it.
    pub provider: String,
    /// What it is called there.
    pub model: String,
    /// Whose prices it has.
    pub priced_as: String,
    /// The prices.
    pub book: PriceBook,
    /// Where its key is, or would be.
    pub key: Option<String>,
    /// Where the provider is, as it may be shown.
    pub base_url: Option<String>,
}

impl ModelChooser {
    /// Finds what is known of a model, whether it can be asked or not.
    ///
    /// # Errors
    ///
    /// That nobody knows it.
    pub async fn find(&self, name: &str) -> Result<Found, CliError> {
        if let Some(found) = self.find_entry(name)? {
            return Ok(found);
        }
        if let Some(provider) = self.prices().provider_of(name)?
            && let Some(found) = self.find_entry(&format!("{provider}/{name}"))?
        {
            return Ok(found);
        }
        let choice = self.choose(Some(name)).await?;
        match self.find_entry(&choice.name)? {
            Some(found) => Ok(found),
            None => Ok(Found {
                provider: choice.name.split(['/', ':']).next().unwrap_or_default().to_owned(),
                model: choice.name.clone(),
                priced_as: "local".to_owned(),
                book: self.prices().book()?,
                key: None,
                base_url: None,
            }),
        }
    }

    fn find_entry(&self, name: &str) -> Result<Option<Found>, CliError> {
        let (entry, model) = match Name::read(name, self.entries()) {
            Name::Entry(entry) => (entry, entry.model().unwrap_or_default()),
            Name::Of { provider, model } => (provider, model),
            _ => return Ok(None),
        };
        self.found_entry(entry, model).map(Some)
    }

    fn found_entry(&self, entry: &Entry, model: &str) -> Result<Found, CliError> {
        let (book, priced_as) = self.prices().of_entry(entry)?;
        let key = match self.access(entry) {
            Access::Key(_, from) => Some(format!("from {from}")),
            Access::Open => None,
            Access::Missing(how) => Some(format!("missing: {how}")),
        };
        let always = || entry.provider.base_url.map(str::to_owned);
        Ok(Found {
            provider: entry.provider.name.to_owned(),
            model: model.to_owned(),
            priced_as,
            book,
            key,
            base_url: base_url(entry, self.env()).or_else(always).map(|url| shown(&url)),
        })
    }
}
