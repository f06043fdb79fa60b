//! `az models price`.

use std::process::ExitCode;

use az_ai::pricing::{Breakdown, Call};
use az_core::clock::SystemClock;
use az_core::{Clock, Timestamp};
use clap::Args;
use serde_json::{Value, json};

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
    /// When the call was made: prices change [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<Timestamp>,
}

/// Prices.
///
/// # Errors
///
/// A model that nobody knows, or usage that is none.
pub(super) async fn run(args: &PriceArgs, services: &Services) -> Result<ExitCode, CliError> {
    let raw = usage(&args.usage)?;
    let found = services.models()?.find(&args.model).await?;
    let at = args.at.unwrap_or_else(|| SystemClock.now());
    let call = Call { provider: &found.priced_as, model: &found.model, at };
    let explained = found.book.explain(&call, &raw).ok_or_else(|| {
        CliError::Usage(format!(
            "--usage: there is no count of tokens in it that {} would write; it is the `usage` \
             (or `usageMetadata`) of an answer",
            found.provider
        ))
    })?;
    let Some(computed) = &explained.computed else {
        return Err(CliError::Settings(format!(
            "the price of {} of {} is not known; `az models list --all` shows which are, and \
             docs/prices.md how to add one",
            found.model, found.provider
        )));
    };
    let printer = services.printer();
    if printer.is_json() {
        printer.json(&record(
            computed,
            &found.model,
            &json!(explained.usage),
            explained.reported,
        ))?;
    } else {
        printer.out(&table(computed).text(printer.width()))?;
        for note in &computed.notes {
            printer.say(note);
        }
        if let Some(reported) = explained.reported {
            printer.say(&format!("the provider itself says {reported}, which is what is booked"));
        }
    }
    Ok(ExitCode::SUCCESS)
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
    computed: &Breakdown,
    model: &str,
    usage: &Value,
    reported: Option<az_core::Usd>,
) -> Value {
    let parts = computed.parts.iter().map(|part| {
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
        "cost_nanos": computed.total,
        "reported_nanos": reported,
        "parts": parts.collect::<Vec<_>>(),
        "notes": computed.notes,
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
