//! `az models show`.

use std::process::ExitCode;

use az_ai::pricing::{Call, PriceBook, PriceRow, Rates, Source};
use az_core::Clock;
use az_core::clock::SystemClock;
use clap::Args;
use serde_json::{Map, Value, json};

use crate::error::CliError;
use crate::output::Table;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az models show claude
  az models show openai/gpt-5.6
  az models show gemini --json";

/// Show one model: who offers it, where its key is, its prices
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ShowArgs {
    /// A name, or provider/model
    #[arg(value_name = "NAME")]
    name: String,
}

/// Shows a model; one without a key is shown too.
///
/// # Errors
///
/// That nobody knows it.
pub(super) async fn run(args: &ShowArgs, services: &Services) -> Result<ExitCode, CliError> {
    let models = services.models()?;
    let found = models.find(&args.name).await?;
    let mut facts: Vec<(&str, Value)> = vec![
        ("name", json!(args.name)),
        ("provider", json!(found.provider)),
        ("model", json!(found.model)),
    ];
    if let Some(key) = &found.key {
        facts.push(("key", json!(key)));
    }
    if let Some(url) = &found.base_url {
        facts.push(("address", json!(url)));
    }
    let call = Call { provider: &found.priced_as, model: &found.model, at: SystemClock.now() };
    let known = found.book.model(&found.priced_as, &found.model);
    if let Some(known) = known {
        facts.push(("context window", json!(known.context_window)));
        facts.push(("longest reply", json!(known.max_output)));
        let features = known.features.map(|features| {
            let all = [
                ("tools", features.tools),
                ("vision", features.vision),
                ("reasoning", features.reasoning),
                ("structured output", features.formats),
            ];
            let has = all.iter().filter(|(_, has)| *has).map(|(name, _)| *name);
            has.collect::<Vec<_>>().join(", ")
        });
        facts.push(("features", json!(features)));
    }
    match found.book.prices(&call) {
        None => facts.push(("price", json!("not known"))),
        Some((priced, row)) => {
            let from = match priced.source {
                Source::Bundled => format!("the table of {}", PriceBook::date()),
                Source::Override => "your configuration".to_owned(),
            };
            facts.push(("prices from", json!(from)));
            facts.extend(prices(row));
        }
    }
    print(services, &facts)?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the prices of the moment, in dollars for a million tokens.
fn prices(row: &PriceRow) -> Vec<(&'static str, Value)> {
    let mut facts = rates(&row.card.rates);
    for (above, other) in &row.card.above {
        let all: Vec<_> = rates(other)
            .into_iter()
            .map(|(what, price)| format!("{what} {}", price.as_str().unwrap_or_default()))
            .collect();
        facts.push(("requests above", json!(format!("{above} tokens: {}", all.join(", ")))));
    }
    let tiers: Vec<_> = row.tiers.keys().map(AsRef::as_ref).collect::<Vec<&str>>();
    if !tiers.is_empty() {
        facts.push(("other prices for tiers", json!(tiers.join(", "))));
    }
    facts
}

fn rates(rates: &Rates) -> Vec<(&'static str, Value)> {
    let all = [
        ("input", rates.input),
        ("output", rates.output),
        ("cache read", rates.cache_read),
        ("cache write", rates.cache_write_5m),
        ("cache write 1 h", rates.cache_write_1h),
        ("audio input", rates.audio_input),
        ("audio output", rates.audio_output),
        ("reasoning", rates.reasoning),
    ];
    let known = all.into_iter().filter_map(|(what, price)| Some((what, price?)));
    known.map(|(what, price)| (what, json!(price.to_string()))).collect()
}

fn print(services: &Services, facts: &[(&str, Value)]) -> Result<(), CliError> {
    let printer = services.printer();
    if printer.is_json() {
        let facts = facts.iter().map(|(name, value)| (name.replace(' ', "_"), value.clone()));
        return printer.json(&facts.collect::<Map<_, _>>());
    }
    let mut table = Table::new(&["what", "value"]);
    for (what, value) in facts.iter().filter(|(_, value)| !value.is_null()) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        table.row(vec![(*what).to_owned(), text]);
    }
    printer.out(&table.text(printer.width()))
}
