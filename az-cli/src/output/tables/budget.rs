//! Budgets.

use az_core::Usd;

use crate::output::{Table, bar, short};
use crate::views::BudgetView;

/// Returns the table of budgets.
pub fn budget_table(budgets: &[BudgetView]) -> Table {
    let uncertain = budgets.iter().any(|budget| budget.uncertain_nanos != 0);
    let mut columns = vec!["scope", "period", "amount", "spent"];
    columns.extend(uncertain.then_some("uncertain"));
    columns.extend(["held", "left", "limit", "alerts", ""]);
    let mut table = Table::new(&columns);
    for budget in budgets {
        let amount = Usd::from_nanos(budget.amount_nanos);
        let used = budget.spent_nanos.saturating_add(budget.held_nanos);
        let mut cells = vec![
            scope(budget),
            budget.period.to_string(),
            amount.to_string(),
            Usd::from_nanos(budget.spent_nanos).to_string(),
        ];
        if uncertain {
            cells.push(Usd::from_nanos(budget.uncertain_nanos).to_string());
        }
        cells.extend([
            Usd::from_nanos(budget.held_nanos).to_string(),
            Usd::from_nanos(budget.left_nanos).to_string(),
            budget.limit.as_str().to_owned(),
            alerts(budget, " "),
            bar(Usd::from_nanos(used), amount),
        ]);
        table.row(cells);
    }
    table
}

/// Returns a budget in a sentence.
pub fn budget_in_words(budget: &BudgetView) -> String {
    let BudgetView { scope, period, .. } = budget;
    let amount = Usd::from_nanos(budget.amount_nanos);
    let used = Usd::from_nanos(budget.spent_nanos.saturating_add(budget.held_nanos));
    let (limit, alerts) = (budget.limit.as_str(), alerts(budget, ", "));
    format!("{scope} {period} {amount} {limit}, alerts at {alerts}; {used} used so far")
}

fn scope(budget: &BudgetView) -> String {
    match &budget.task {
        Some(id) => format!("task {}", short(id.as_str())),
        None => budget.scope.clone(),
    }
}

fn alerts(budget: &BudgetView, separator: &str) -> String {
    let alerts: Vec<_> = budget.alert_percents.iter().map(|alert| format!("{alert}%")).collect();
    alerts.join(separator)
}
