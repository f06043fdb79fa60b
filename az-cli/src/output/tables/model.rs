//! Models and their prices.

use crate::output::Table;
use crate::views::{ModelSummaryView, ModelView, PricesView};

/// Returns the table of models; `all` is whether they are those of the price table, whose name says
/// everything.
pub fn models_table(models: &[ModelSummaryView], all: bool) -> Table {
    let mut table = if all {
        Table::new(&["model", "in/M", "out/M", "window"])
    } else {
        Table::new(&["name", "provider", "model", "in/M", "out/M", "window", "key"])
    };
    for model in models {
        let mut cells = vec![model.name.clone()];
        if !all {
            let name = if model.model.is_empty() { "name one" } else { &model.model };
            cells.extend([model.provider.clone(), name.to_owned()]);
        }
        cells.push(price(model.input_usd_per_million.as_deref()));
        cells.push(price(model.output_usd_per_million.as_deref()));
        cells.push(model.context_window_tokens.map_or_else(String::new, |n| n.to_string()));
        if !all {
            cells.push(model.key.clone().unwrap_or_default());
        }
        table.row(cells);
    }
    table
}

fn price(usd: Option<&str>) -> String {
    usd.map_or_else(|| "?".to_owned(), |usd| format!("${usd}"))
}

/// Returns the table of what is known of a model.
pub fn model_table(model: &ModelView) -> Table {
    let mut table = Table::new(&["what", "value"]);
    let number = |n: Option<u64>| n.map(|n| n.to_string());
    let features = model.features.as_ref().map(|features| features.join(", "));
    let from = model.prices_from.clone().or_else(|| Some("unknown".to_owned()));
    for (what, value) in [
        ("name", Some(model.name.clone())),
        ("provider", Some(model.provider.clone())),
        ("model", Some(model.model.clone())),
        ("key", model.key.clone()),
        ("address", model.address.clone()),
        ("context window", number(model.context_window_tokens)),
        ("longest reply", number(model.max_output_tokens)),
        ("features", features),
        ("prices from", from),
    ] {
        if let Some(value) = value {
            table.row(vec![what.to_owned(), value]);
        }
    }
    for (what, usd) in model.prices.known() {
        table.row(vec![what.to_owned(), format!("${usd}/M")]);
    }
    for long in &model.long_requests {
        let what = format!("above {} input tokens", long.above_input_tokens);
        table.row(vec![what, in_a_line(&long.prices)]);
    }
    if !model.tiers.is_empty() {
        table.row(vec!["tiers with other prices".to_owned(), model.tiers.join(", ")]);
    }
    table
}

fn in_a_line(prices: &PricesView) -> String {
    prices.known().map(|(what, usd)| format!("{what} ${usd}/M")).collect::<Vec<_>>().join(", ")
}
