//! What a usage object costs.

use crate::output::Table;
use crate::views::UsageCostView;

/// Returns the table of the parts of a computed cost and their sum.
pub fn price_table(cost: &UsageCostView) -> Table {
    let mut table = Table::new(&["part", "quantity", "price", "amount"]);
    for part in &cost.parts {
        table.row(vec![
            part.part.to_owned(),
            part.quantity.to_string(),
            format!("${}/M", part.price_usd_per_million),
            format!("${}", part.amount_usd),
        ]);
    }
    let total = cost.cost_usd.as_deref().or(cost.reported_usd.as_deref()).unwrap_or_default();
    table.row(vec!["total".to_owned(), String::new(), String::new(), format!("${total}")]);
    table
}
