//! What a payer has left to spend.

use crate::clock::Timestamp;
use crate::cost::{BudgetStatus, Limit, Payer, Scope};
use crate::error::Result;
use crate::journal::RunStore;
use crate::money::Usd;

/// Returns the smallest amount left in the hard budgets that cover a payer, for any model; `None` if there is
/// none.
pub(super) async fn budget_left(
    store: &dyn RunStore,
    payer: &Payer,
    now: Timestamp,
) -> Result<Option<Usd>> {
    let mut budgets = store.budgets(now).await?;
    budgets.retain(|status| status.budget.limit == Limit::Hard);
    let of_another = |status: &BudgetStatus| match &status.budget.scope {
        Scope::Payer(other) => other != payer,
        Scope::Global | Scope::Model(_) => false,
    };
    // The ancestors matter only if another payer has a budget.
    let ancestors =
        if budgets.iter().any(of_another) { store.ancestors(payer).await? } else { Vec::new() };
    let applying = budgets.iter().filter(|status| match &status.budget.scope {
        Scope::Global => true,
        Scope::Payer(other) => other == payer || ancestors.contains(other),
        Scope::Model(_) => false,
    });
    Ok(applying.map(BudgetStatus::left).min())
}
