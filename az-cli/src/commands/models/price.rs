//! `az models price`.

use std::process::ExitCode;

use az_ai::pricing::{Breakdown, Call};
use az_core::clock::SystemClock;
use az_core::{Clock, Usd};
use clap::Args;
use serde_json::{Value, json};

use crate::commands::time::instant;
use crate::error::CliError;
use crate::output::Table;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az models price --model claude --usage '{\"input_tokens\": 1200, \"output_tokens\": 300}'
  az models price --model openai/gpt-5.6 --usage '{\"prompt_tokens\": 1200, \"completion_tokens\": 300,
      \"prompt_tokens_details\": {\"cached_tokens\": 1000}}'
  curl … | az models price --model gemini --usage -

The usage object is the provider's own, as it stands in an answer; a whole answer will do.";

/// Work out what a provider's usage object costs
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct PriceArgs {
    /// The model: a name, or provider/model
    #[arg(long, short, value_name = "NAME")]
    model: String,
    /// The provider's usage object, as JSON; `-` reads it from standard input
    #[arg(long, short, value_name = "JSON")]
    usage: String,
    /// When the call was made, because prices change: 2026-11-01, 2026-11-01T12:00:00Z, or 7d for a
    /// week ago [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
}

/// Prices.
///
/// # Errors
///
/// A model that nobody knows, or usage that is none.
pub(super) async fn run(args: &PriceArgs, services: &Services) -> Result<ExitCode, CliError> {
    let raw = usage(&args.usage)?;
    check_counts(raw.get("usage").or_else(|| raw.get("usageMetadata")).unwrap_or(&raw))?;
    let found = services.models()?.find(&args.model).await?;
    let now = SystemClock.now();
    let at = match &args.at {
        Some(text) => instant("--at", text, &services.settings().time_zone, now)?,
        None => now,
    };
    let call = Call { provider: &found.priced_as, model: &found.model, at };
    let explained = found.book.explain(&call, &raw).ok_or_else(|| {
        CliError::Usage(format!(
            "--usage: there is no count of tokens in it that {} would write; it is the `usage` \
             (or `usageMetadata`) of an answer",
            found.provider
        ))
    })?;
    let unknown = format!("the price of {} of {} is not known", found.model, found.provider);
    if explained.computed.is_none() && explained.reported.is_none() {
        return Err(CliError::Settings(format!(
            "{unknown}; `az models list --all` shows which are, and docs/prices.md how to add one"
        )));
    }
    let printer = services.printer();
    if printer.is_json() {
        let usage = json!(explained.usage);
        let computed = explained.computed.as_ref();
        printer.json(&record(computed, &found.model, &usage, explained.reported))?;
        return Ok(ExitCode::SUCCESS);
    }
    match (&explained.computed, explained.reported) {
        (Some(computed), _) => {
            printer.out(&table(computed).text(printer.width()))?;
            for note in &computed.notes {
                printer.say(note);
            }
        }
        (None, reported) => {
            printer.line(&format!("total  {}", reported.unwrap_or_default()))?;
            printer.say(&unknown);
        }
    }
    if let Some(reported) = explained.reported {
        printer.say(&format!("the provider itself says {reported}, which is what is booked"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks that counts are counts, in a usage object and in the parts of it. What is none would be
/// passed over, and so the sum be wrong.
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
                    "--usage: {name} is {value}; a count is a whole number, 0 or more"
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
        CliError::Usage(format!("--usage is no JSON: {error}; quote it as in --usage '{{…}}'"))
    })
}

fn record(
    computed: Option<&Breakdown>,
    model: &str,
    usage: &Value,
    reported: Option<Usd>,
) -> Value {
    let parts = computed.into_iter().flat_map(|computed| &computed.parts).map(|part| {
        json!({
            "what": part.what,
            "quantity": part.quantity,
            "price_pico": part.price.pico(),
            "amount": part.amount.to_string(),
        })
    });
    json!({
        "model": model,
        "usage": usage,
        "cost_nanos": computed.map(|computed| computed.total),
        "reported_nanos": reported,
        "parts": parts.collect::<Vec<_>>(),
        "notes": computed.map(|computed| computed.notes.as_slice()).unwrap_or_default(),
    })
}

fn table(computed: &Breakdown) -> Table {
    let mut table = Table::new(&["part", "quantity", "price", "amount"]);
    for part in &computed.parts {
        table.row(vec![
            part.what.to_owned(),
            part.quantity.to_string(),
            part.price.to_string(),
            part.amount.to_string(),
        ]);
    }
    table.row(vec!["total".to_owned(), String::new(), String::new(), computed.total.to_string()]);
    table
}
