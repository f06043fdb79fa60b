//! The configured file of prices.

use az_ai::catalog::Entries;
use az_ai::pricing::{PriceBook, PriceFile, provider_id};
use az_ai::resolver::near;

use super::unknown::did_you_mean;
use crate::error::CliError;
use crate::settings::Settings;

/// Returns the bundled prices with those of the configured file.
///
/// # Errors
///
/// A settings error with file, line and column for a file that cannot be read or is invalid.
pub(super) fn read_prices(settings: &Settings, entries: &Entries) -> Result<PriceBook, CliError> {
    let book = PriceBook::bundled();
    let Some(path) = &settings.llm.prices_file else { return Ok(book) };
    let (file, text) = settings.named_file("llm.prices_file", path)?;
    let read = PriceFile::parse(&file, &text);
    let read = read.map_err(|error| CliError::Settings(error.to_string()))?;
    check_providers(&book, &read, entries)?;
    Ok(book.with_file(read))
}

/// Refuses prices of a provider that does not exist: they would never apply.
fn check_providers(book: &PriceBook, file: &PriceFile, entries: &Entries) -> Result<(), CliError> {
    let of_entries = entries.iter().map(|entry| provider_id(&entry.priced_as()));
    let mut known: Vec<String> = of_entries.collect();
    known.extend(book.models().map(|model| model.provider.to_string()));
    known.sort_unstable();
    known.dedup();
    let unknown = |(name, _): &(&str, _)| !known.contains(&provider_id(name));
    let Some((name, location)) = file.providers().find(unknown) else { return Ok(()) };
    let what = match entries.find(name) {
        Some(entry) => format!("the prices of {name:?} are those of {:?}", entry.priced_as()),
        None => {
            let likely = near(name, known.iter().map(String::as_str));
            format!("unknown provider {name:?}{}", did_you_mean(&likely))
        }
    };
    Err(CliError::Settings(format!("{location}: {what}")))
}
