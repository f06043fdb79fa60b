//! `az models list`.

use std::collections::BTreeSet;
use std::process::ExitCode;

use az_ai::catalog::{Access, Entry, ModelCatalog};
use az_ai::pricing::{PriceBook, PricedCall, provider_id};
use az_ai::resolver::near;
use az_core::clock::SystemClock;
use az_core::{Clock, Timestamp};
use clap::Args;

use crate::error::CliError;
use crate::models::did_you_mean;
use crate::output::{FormatArgs, models_table};
use crate::services::Services;
use crate::views::ModelSummaryView;

const EXAMPLES: &str = "\
Examples:
  az models list
  az models list --all --provider anthropic
  az models list --all --format csv > prices.csv

Prices are in US dollars per million tokens; `?` means that the price is unknown. Other models
of a provider are named provider/model, as in openai/gpt-5.6-luna. `auto` stands for the routing
rules.";

/// List the named models, or all models whose price is known
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ListArgs {
    /// List all models of the price table
    #[arg(long, short)]
    all: bool,
    /// List only models of this provider
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
}

/// Lists the models.
///
/// # Errors
///
/// A settings error for invalid prices or entries, a usage error for an unknown provider.
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
    models_table(&rows, args.all).print(&rows, args.format.choose(printer), printer)?;
    printer.say(&format!(
        "prices as of {}; llm.prices_file in the configuration sets your own",
        PriceBook::date()
    ));
    Ok(ExitCode::SUCCESS)
}

/// Returns the rows of a provider, by any of its names, or of an entry.
fn of_provider(
    mut rows: Vec<ModelSummaryView>,
    wanted: &str,
) -> Result<Vec<ModelSummaryView>, CliError> {
    let id = provider_id(wanted);
    let names = rows.iter().flat_map(|row| [row.provider.as_str(), row.name.as_str()]);
    let names: BTreeSet<&str> = names.filter(|name| !name.contains('/')).collect();
    let likely = near(wanted, names.into_iter());
    rows.retain(|row| row.name == *wanted || provider_id(&row.provider) == id);
    if rows.is_empty() {
        return Err(CliError::Usage(format!(
            "--provider: no models of {wanted:?}{}",
            did_you_mean(&likely)
        )));
    }
    Ok(rows)
}

fn named(entry: &Entry, catalog: &ModelCatalog, at: Timestamp) -> ModelSummaryView {
    let (book, provider) = catalog.prices_of(entry);
    let model = entry.model().unwrap_or_default();
    let call = PricedCall { provider: &provider, model, at };
    let rates = book.prices(&call).map(|(_, row)| row.card.rates).unwrap_or_default();
    let known = book.model(&provider, model).and_then(|known| known.context_window);
    let mut view = ModelSummaryView::new(&entry.config.name, (entry.provider.name, model), &rates);
    view.context_window_tokens = entry.config.context_window.or(known);
    view.key = Some(match catalog.access(entry) {
        Access::Key(_, from) => from,
        Access::Open => "needs none".to_owned(),
        Access::Missing(how) => how,
    });
    view
}

fn priced(book: &PriceBook, at: Timestamp) -> impl Iterator<Item = ModelSummaryView> {
    book.models().map(move |known| {
        let rates = known.row(at).map(|row| row.card.rates).unwrap_or_default();
        let name = format!("{}/{}", known.provider, known.model);
        let mut view = ModelSummaryView::new(name, (&known.provider, &known.model), &rates);
        view.context_window_tokens = known.context_window;
        view
    })
}
