//! `az models price`.

use std::process::ExitCode;

use az_ai::pricing::PricedCall;
use az_core::Clock;
use az_core::clock::SystemClock;
use clap::Args;
use serde_json::Value;

use crate::commands::time::instant;
use crate::error::CliError;
use crate::output::{Format, FormatArgs, csv, price_table};
use crate::services::Services;
use crate::views::UsageCostView;

const EXAMPLES: &str = "\
Examples:
  az models price --model claude --usage '{\"input_tokens\": 1200, \"output_tokens\": 300}'
  az models price --model openai/gpt-5.6 --usage '{\"prompt_tokens\": 1200, \"completion_tokens\": 300,
      \"prompt_tokens_details\": {\"cached_tokens\": 1000}}'
  curl … | az models price --model gemini --usage -

Pass the usage object as the provider sends it, or the whole reply that contains it. With
--format csv it prints the parts of the cost, one per line.";

/// Compute what a provider's usage object costs
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PriceArgs {
    /// Name of the model, or provider/model
    #[arg(long, short, value_name = "NAME")]
    model: String,
    /// Usage object of the provider, as JSON; `-` reads it from standard input
    #[arg(long, short, value_name = "JSON")]
    usage: String,
    /// Use the prices of this time: 2026-11-01, 2026-11-01T12:00:00Z, or 7d for a week ago
    /// [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    #[command(flatten)]
    format: FormatArgs,
}

/// Computes the cost.
///
/// # Errors
///
/// A settings error for an unknown model or price, a usage error for an invalid usage object.
pub(super) async fn run(args: &PriceArgs, services: &Services) -> Result<ExitCode, CliError> {
    let raw = usage(&args.usage)?;
    check_counts(raw.get("usage").or_else(|| raw.get("usageMetadata")).unwrap_or(&raw))?;
    let found = services.models()?.find(&args.model).await?;
    let now = SystemClock.now();
    let at = match &args.at {
        Some(text) => instant("--at", text, &services.settings().time_zone, now)?,
        None => now,
    };
    let call = PricedCall { provider: &found.priced_as, model: &found.model, at };
    let explained = found.book.explain(&call, &raw).ok_or_else(|| {
        CliError::Usage(format!(
            "--usage: no token counts of {} found; pass the `usage` (or `usageMetadata`) object of a \
             reply",
            found.provider
        ))
    })?;
    let unknown = format!("the price of {} of {} is unknown", found.model, found.provider);
    if explained.computed.is_none() && explained.reported.is_none() {
        return Err(CliError::Settings(format!(
            "{unknown}; `az models list --all` lists the known prices; input_cost_per_token and \
             output_cost_per_token of an entry of the configuration, or llm.prices_file, add one"
        )));
    }
    let computed = explained.computed.as_ref();
    let view = UsageCostView::new(&found.model, &explained.usage, computed, explained.reported);
    let printer = services.printer();
    match args.format.choose(printer) {
        Format::Json => {
            printer.json(&view)?;
            return Ok(ExitCode::SUCCESS);
        }
        Format::Csv => printer.out(&csv(&view.parts)?)?,
        Format::Table => printer.out(&price_table(&view).text(printer.width()))?,
    }
    if computed.is_none() {
        printer.say(&unknown);
    }
    for note in &view.notes {
        printer.say(note);
    }
    if let Some(reported) = explained.reported {
        printer.say(&format!("the provider reports a cost of {reported}; that is what is booked"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks that every count in a usage object is a whole number: another value would be ignored, and
/// the cost would be too low.
fn check_counts(usage: &Value) -> Result<(), CliError> {
    let Value::Object(fields) = usage else {
        return usage.as_array().into_iter().flatten().try_for_each(check_counts);
    };
    for (name, value) in fields {
        let lower = name.to_lowercase();
        let counts = ["tokens", "tokencount", "_count", "_requests"];
        let is_count = counts.iter().any(|end| lower.ends_with(end));
        match value {
            Value::Object(_) | Value::Array(_) => check_counts(value)?,
            Value::Null => {}
            value if is_count && !value.is_u64() => {
                return Err(CliError::Usage(format!(
                    "--usage: invalid {name}: {value}; it must be a whole number, 0 or more"
                )));
            }
            _ => {}
        }
    }
    Ok(())
}

fn usage(text: &str) -> Result<Value, CliError> {
    let text = match text {
        "-" => std::io::read_to_string(std::io::stdin().lock()).map_err(|source| CliError::Io {
            what: "reading usage from standard input".to_owned(),
            source,
        })?,
        text => text.to_owned(),
    };
    serde_json::from_str(&text).map_err(|error| {
        CliError::Usage(format!("--usage: invalid JSON: {error}; quote it as in --usage '{{…}}'"))
    })
}
