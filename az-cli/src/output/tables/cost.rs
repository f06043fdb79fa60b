//! Sums of the ledger.

use az_core::Usd;
use az_core::cost::Payer;

use crate::output::bar::percent;
use crate::output::cache::saving;
use crate::output::{Table, amount, bar, short};
use crate::views::{CostSumView, LedgerEntryView};

/// Returns the table of sums; `what` is what each of them is of. Bars show the share of the budget
/// where there is one, else of all sums together; a period without a budget has none. The part of the input
/// that was read from caches, and what that saved, are shown if some was.
pub fn cost_table(sums: &[CostSumView], what: &'static str) -> Table {
    let all = sums.iter().map(CostSumView::cost).sum();
    let budgeted = sums.iter().any(|sum| sum.budget_nanos.is_some());
    let uncertain = sums.iter().any(|sum| sum.uncertain_calls > 0);
    let cached = sums.iter().any(is_cached);
    let mut columns = vec![what, "calls", "in"];
    columns.extend(cached.then_some("cached"));
    columns.extend(["out", "cost"]);
    columns.extend(cached.then_some("saved"));
    columns.extend(uncertain.then_some("uncertain"));
    columns.extend(budgeted.then_some("budget"));
    columns.push("");
    let mut table = Table::new(&columns);
    for sum in sums {
        // The name of a payer that is not a task is not shortened.
        let is_task = what == "task" && sum.key.parse::<Payer>().is_err();
        let key = if is_task { short(&sum.key) } else { sum.key.clone() };
        let mut cells = vec![key, sum.calls.to_string(), sum.input_tokens.to_string()];
        if cached {
            cells.push(percent(sum.cached_tokens.into(), sum.input_tokens.into()));
        }
        cells.push(sum.output_tokens.to_string());
        cells.push(amount(sum.cost(), sum.unpriced_calls > 0));
        if cached {
            cells.push(saving(sum.saved(), sum.unknown_saving_calls));
        }
        if uncertain {
            cells.push(match sum.uncertain_calls {
                0 => String::new(),
                _ => sum.uncertain().to_string(),
            });
        }
        if budgeted {
            cells.push(sum.budget().map_or_else(String::new, |budget| budget.to_string()));
        }
        let whole = if budgeted { sum.budget() } else { (what != "period").then_some(all) };
        cells.push(whole.map_or_else(String::new, |whole| bar(sum.cost(), whole)));
        table.row(cells);
    }
    table
}

/// Whether some input of the calls was cached.
const fn is_cached(sum: &CostSumView) -> bool {
    sum.cached_tokens > 0 || sum.saved_nanos != 0 || sum.unknown_saving_calls > 0
}

/// Returns the table of the entries whose cost is uncertain.
pub fn uncertain_table(entries: &[LedgerEntryView]) -> Table {
    let mut table = Table::new(&["entry", "at", "provider", "model", "at most"]);
    for entry in entries {
        let payer = match &entry.task {
            Some(id) => format!("task:{}", short(id.as_str())),
            None => entry.payer.clone(),
        };
        let cost = entry.charge.cost_nanos.map(Usd::from_nanos);
        table.row(vec![
            format!("{payer}/{}", entry.call),
            entry.booked_at.to_string(),
            entry.provider.clone(),
            entry.model.clone(),
            cost.map_or_else(|| "unknown".to_owned(), |cost| cost.to_string()),
        ]);
    }
    table
}
