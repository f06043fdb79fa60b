//! `az models list`.

use std::collections::BTreeSet;
use std::process::ExitCode;

use az_ai::catalog::{Access, Entry, ModelCatalog};
use az_ai::pricing::{Call, PriceBook, Rates, TokenPrice, provider_id};
use az_ai::resolver::near;
use az_core::clock::SystemClock;
use az_core::{Clock, Timestamp};
use clap::Args;
use serde::Serialize;

use crate::error::CliError;
use crate::models::did_you_mean;
use crate::output::{FormatArgs, Table};
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az models list
  az models list --all --provider anthropic
  az models list --all --format csv > prices.csv

Prices are US dollars for a million tokens. `?` is a price that is not known, which is not 0.
A provider's other models are named as in openai/gpt-5.6-luna; `auto` goes by the routing rules.";

/// List the models that have a name, or all whose price is known
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ListArgs {
    /// All models of the price table
    #[arg(long, short)]
    all: bool,
    /// Only of this provider
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
}

/// A model as programs get it. Prices are in pico-dollars a token.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    provider: String,
    model: String,
    input_pico: Option<u64>,
    output_pico: Option<u64>,
    context_window: Option<u64>,
    key: Option<String>,
}

/// Lists.
///
/// # Errors
///
/// Prices or settings that make no sense, or a provider that nobody knows.
pub(super) fn run(args: &ListArgs, services: &Services) -> Result<ExitCode, CliError> {
    let models = services.models()?;
    let catalog = models.catalog();
    let now = SystemClock.now();
    let mut rows = Vec::new();
    if args.all {
        rows.extend(priced(catalog.prices(), now));
    } else {
        rows.extend(catalog.entries().iter().map(|entry| named(entry, catalog, now)));
    }
    if let Some(wanted) = &args.provider {
        rows = of_provider(rows, wanted)?;
    }
    let printer = services.printer();
    table(&rows, args).print(&rows, args.format.choose(printer), printer)?;
    printer.say(&format!(
        "prices as of {}; docs/prices.md says how to set your own",
        PriceBook::date()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Returns the rows of a provider, by any of its names, or of an entry.
fn of_provider(mut rows: Vec<Row>, wanted: &str) -> Result<Vec<Row>, CliError> {
    let id = provider_id(wanted);
    let names = rows.iter().flat_map(|row| [row.provider.as_str(), row.name.as_str()]);
    let names: BTreeSet<&str> = names.filter(|name| !name.contains('/')).collect();
    let likely = near(wanted, names.into_iter());
    rows.retain(|row| row.name == *wanted || provider_id(&row.provider) == id);
    if rows.is_empty() {
        return Err(CliError::Usage(format!(
            "--provider: there are no models of {wanted:?}{}",
            did_you_mean(&likely)
        )));
    }
    Ok(rows)
}

fn named(entry: &Entry, catalog: &ModelCatalog, at: Timestamp) -> Row {
    let (book, provider) = catalog.prices_of(entry);
    let model = entry.model().unwrap_or_default();
    let call = Call { provider: &provider, model, at };
    let rates = book.prices(&call).map(|(_, row)| row.card.rates).unwrap_or_default();
    let facts = book.model(&provider, model);
    let key = match catalog.access(entry) {
        Access::Key(_, from) => Some(from),
        Access::Open => Some("needs none".to_owned()),
        Access::Missing(how) => Some(how),
    };
    Row {
        name: entry.config.name.clone(),
        provider: entry.provider.name.to_owned(),
        model: model.to_owned(),
        key,
        ..row(rates, entry.config.context_window.or(facts.and_then(|facts| facts.context_window)))
    }
}

fn priced(book: &PriceBook, at: Timestamp) -> impl Iterator<Item = Row> {
    book.models().map(move |known| {
        let rates = known.row(at).map(|row| row.card.rates).unwrap_or_default();
        Row {
            name: format!("{}/{}", known.provider, known.model),
            provider: known.provider.to_string(),
            model: known.model.to_string(),
            ..row(rates, known.context_window)
        }
    })
}

fn row(rates: Rates, context_window: Option<u64>) -> Row {
    Row {
        name: String::new(),
        provider: String::new(),
        model: String::new(),
        input_pico: rates.input.map(TokenPrice::pico),
        output_pico: rates.output.map(TokenPrice::pico),
        context_window,
        key: None,
    }
}

fn table(rows: &[Row], args: &ListArgs) -> Table {
    let price = |pico: Option<u64>| {
        let price = pico.map(|pico| TokenPrice::from_pico(pico).to_string());
        price.map_or_else(|| "?".to_owned(), |price| price.trim_end_matches("/M").to_owned())
    };
    let window = |row: &Row| row.context_window.map_or_else(String::new, |w| w.to_string());
    let mut table = if args.all {
        Table::new(&["model", "in/M", "out/M", "window"])
    } else {
        Table::new(&["name", "provider", "model", "in/M", "out/M", "window", "key"])
    };
    for row in rows {
        let prices = [price(row.input_pico), price(row.output_pico), window(row)];
        let mut cells = vec![row.name.clone()];
        if !args.all {
            let model = if row.model.is_empty() { "name one" } else { &row.model };
            cells.extend([row.provider.clone(), model.to_owned()]);
        }
        cells.extend(prices);
        if !args.all {
            cells.push(row.key.clone().unwrap_or_default());
        }
        table.row(cells);
    }
    table
}
