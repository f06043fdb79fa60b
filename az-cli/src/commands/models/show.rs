//! `az models show`.

use std::process::ExitCode;

use az_ai::pricing::{PriceBook, PriceRow, PricedCall, Source};
use az_core::Clock;
use az_core::clock::SystemClock;
use clap::Args;

use crate::error::CliError;
use crate::output::{Format, FormatArgs, csv, model_table};
use crate::services::Services;
use crate::views::{LongRequestView, ModelView, feature_names};

const EXAMPLES: &str = "\
Examples:
  az models show claude
  az models show openai/gpt-5.6
  az models show gemini --json";

/// Show one model: its provider, key, limits and prices
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ShowArgs {
    /// Name of the model, or provider/model
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    format: FormatArgs,
}

/// Shows a model; one without a key is shown too.
///
/// # Errors
///
/// A settings error for an unknown model.
pub(super) async fn run(args: &ShowArgs, services: &Services) -> Result<ExitCode, CliError> {
    let models = services.models()?;
    let found = models.find(&args.name).await?;
    let call =
        PricedCall { provider: &found.priced_as, model: &found.model, at: SystemClock.now() };
    let known = found.book.model(&found.priced_as, &found.model);
    let priced = found.book.prices(&call);
    let view = ModelView {
        name: args.name.clone(),
        provider: found.provider.clone(),
        model: found.model.clone(),
        key: found.key.clone(),
        address: found.base_url.clone(),
        context_window_tokens: known.and_then(|known| known.context_window),
        max_output_tokens: known.and_then(|known| known.max_output),
        features: known.and_then(|known| known.features).map(feature_names),
        ..priced.map(|(model, row)| prices(model.source, row)).unwrap_or_default()
    };
    let printer = services.printer();
    match args.format.choose(printer) {
        Format::Json => printer.json(&view)?,
        Format::Csv => printer.out(&csv([&view])?)?,
        Format::Table => printer.out(&model_table(&view).text(printer.width()))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Returns a view with the prices of a row, and where they come from.
fn prices(source: Source, row: &PriceRow) -> ModelView {
    let from = match source {
        Source::Bundled => format!("the table of {}", PriceBook::date()),
        Source::Override => "your configuration".to_owned(),
    };
    let long = row.card.above.iter().map(|(above, rates)| LongRequestView::new(*above, rates));
    ModelView {
        prices_from: Some(from),
        prices: (&row.card.rates).into(),
        long_requests: long.collect(),
        tiers: row.tiers.keys().map(ToString::to_string).collect(),
        ..ModelView::default()
    }
}
