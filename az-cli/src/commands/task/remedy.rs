//! What to do about a task that ended without an answer.

use az_core::clock::SystemClock;
use az_core::cost::BudgetStatus;
use az_core::error::ErrorKind;
use az_core::task::Failure;
use az_core::{Clock, Task, Usd};

use crate::error::{UNPRICED, raising};
use crate::output::short;
use crate::services::Services;

/// Returns a command that goes on, with figures that let it.
pub(super) async fn remedy(task: &Task, failure: &Failure, services: &Services) -> String {
    let id = short(task.id.as_str());
    match failure.kind {
        ErrorKind::Budget => over_budget(services, &failure.message, &id).await,
        ErrorKind::Unauthorized => wrong_key(services, task, &id).await,
        ErrorKind::NotFound => format!(
            "`az models list` shows the names; `az task resume {id} --model OTHER` goes on with \
             another"
        ),
        ErrorKind::Approval => {
            let tool = failure.message.split_whitespace().next().unwrap_or("shell.execute");
            format!(
                "`az task resume {id} --allow {tool}` lets it run without asking; \
                 `az task resume {id}` at a terminal asks"
            )
        }
        ErrorKind::StepLimit => {
            let more = task.options.max_steps.unwrap_or(50).saturating_mul(2);
            format!("`az task resume {id} --max-steps {more}` gives it more steps")
        }
        ErrorKind::TimedOut => {
            let limit = task.options.timeout.map_or(300, |limit| limit.as_secs().max(1));
            format!(
                "`az task resume {id} --timeout {}s` gives it more time",
                limit.saturating_mul(2)
            )
        }
        ErrorKind::BadRequest => {
            format!("say it differently, as a new task; `az task logs {id}` shows what happened")
        }
        ErrorKind::Unavailable | ErrorKind::RateLimited | ErrorKind::Protocol => {
            format!("try later: `az task resume {id}` goes on where the record ends")
        }
        ErrorKind::Cancelled => format!("`az task resume {id}` goes on where the record ends"),
        _ => format!(
            "`az task logs {id}` shows what happened, `az task resume {id}` goes on, \
             `az task retry {id}` starts over"
        ),
    }
}

/// Returns the command that raises the budget in the way, and the one that goes on then.
async fn over_budget(services: &Services, message: &str, id: &str) -> String {
    if message.contains(": the price of ") && message.contains(" is not known") {
        return unpriced(services, id);
    }
    let now = SystemClock.now();
    let budgets = match services.store().await {
        Ok(store) => store.budgets(now).await.unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    let in_the_way =
        budgets.iter().find_map(|status| Some((status, needed(message, &status.budget.name())?)));
    match in_the_way {
        Some((status, needed)) => {
            let raise = raised(status, needed);
            format!("`{raise}` raises it, then `az task resume {id}` goes on")
        }
        None => format!(
            "`az cost budget show` shows the budgets, `az cost budget set` raises one, then \
             `az task resume {id}` goes on"
        ),
    }
}

/// A budget cannot be kept where nothing has a price.
fn unpriced(services: &Services, id: &str) -> String {
    let first = match services.settings().llm.cost_tracking {
        true => UNPRICED,
        false => {
            "llm.cost_tracking is false in the configuration, so that nothing has a price: set it \
             to true, or make the budget --soft"
        }
    };
    format!("{first}; then `az task resume {id}` goes on")
}

/// Returns the command that makes a budget twice as large, and large enough.
fn raised(status: &BudgetStatus, needed: Usd) -> String {
    let budget = &status.budget;
    let enough = status.used().plus(needed);
    let amount = enough.max(budget.amount.plus(budget.amount));
    raising(&budget.scope, budget.period, amount, &budget.alerts)
}

/// Reads how much a refused call needed out of the refusal, a sentence that begins with the
/// budget's name: `global daily budget: $0.05 needed, $0.04 of $0.06 left`.
fn needed(message: &str, budget: &str) -> Option<Usd> {
    let rest = message.strip_prefix(budget)?.strip_prefix(" budget: ")?;
    let (needed, _) = rest.split_once(" needed")?;
    needed.parse().ok()
}

/// Says where the key is that was refused.
async fn wrong_key(services: &Services, task: &Task, id: &str) -> String {
    let found = match (services.models(), task.model.as_deref()) {
        (Ok(models), Some(model)) => models.find(model).await.ok(),
        _ => None,
    };
    let key = match found.and_then(|found| found.key) {
        Some(key) => format!("check the key ({key}) and the account's credit"),
        None => "check the key and the account's credit: `az models list` says where each key is"
            .to_owned(),
    };
    format!("{key}, then `az task resume {id}`")
}

#[cfg(test)]
mod tests {
    use az_core::cost::{Budget, BudgetStatus, Limit, Period, Scope, TimeRange};
    use az_core::{Error, Usd};

    use super::{needed, raised};

    #[test]
    fn what_a_call_needed_is_read_out_of_what_refused_it() {
        let refused = Error::BudgetExceeded {
            budget: "model a b total".to_owned(),
            scope: Scope::Model("a b".to_owned()),
            period: Period::Total,
            amount: Usd::from_dollars(2),
            left: Usd::ZERO,
            held: Usd::from_nanos(1),
            needed: Usd::from_nanos(1_500_000_001),
        };
        let message = refused.to_string();
        assert_eq!(needed(&message, "model a b total"), Some(Usd::from_nanos(1_500_000_001)));
        assert_eq!(needed(&message, "model a"), None);
        assert_eq!(needed("global daily budget: much needed", "global daily"), None);
    }

    #[test]
    fn a_raised_budget_is_enough_for_what_was_refused() {
        let at = "2026-11-23T00:00:00Z".parse().unwrap();
        let status = BudgetStatus {
            budget: Budget {
                scope: Scope::Global,
                period: Period::Daily,
                amount: Usd::from_nanos(10_000_000),
                alerts: vec![50, 90],
                limit: Limit::Hard,
            },
            span: TimeRange { start: at, end: at },
            spent: Usd::from_nanos(15_000_000),
            held: Usd::from_nanos(2_000_000),
        };
        let raised = |needed| raised(&status, Usd::from_nanos(needed));
        let set =
            |amount| format!("az cost budget set --amount {amount} --period daily --alert 50,90");
        assert_eq!(raised(50_000_001), set("0.07"));
        assert_eq!(raised(1), set("0.02"));
        assert_eq!(raised(50_000_000 + 10_000_000), set("0.08"));
    }
}
