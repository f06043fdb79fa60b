//! What to do about a task that ended without an answer.

use az_ai::model_name::ModelName;
use az_core::clock::SystemClock;
use az_core::cost::BudgetStatus;
use az_core::error::ErrorKind;
use az_core::task::{Failure, FailureDetail};
use az_core::{Clock, Task, Usd};

use super::source::{WITHOUT_ORIGIN, lost_origin};
use crate::error::{RELEASE, UNPRICED};
use crate::output::short;
use crate::services::Services;
use crate::suggestion::set_budget;

/// Returns what to do about a failure, with the commands for it.
pub(super) async fn remedy(task: &Task, failure: &Failure, services: &Services) -> String {
    advice(task, failure, &Circumstances::of(task, failure, services).await)
}

/// What an advice depends on besides the task.
#[derive(Debug, Default)]
struct Circumstances {
    /// The budget that refused the call, as it is now.
    budget: Option<BudgetStatus>,
    /// Whether the configuration turns prices off.
    prices_are_off: bool,
    /// Where the key of the model is that refused it.
    key: Option<String>,
    /// Whether the task that it continues was deleted before its record was copied.
    has_lost_origin: bool,
}

impl Circumstances {
    /// Looks up what the advice on this failure depends on.
    async fn of(task: &Task, failure: &Failure, services: &Services) -> Self {
        Self {
            budget: budget(failure, services).await,
            prices_are_off: !services.settings().llm.cost_tracking,
            has_lost_origin: has_lost_origin(task, services).await,
            key: match failure.kind {
                ErrorKind::Unauthorized => key(task, failure, services).await,
                _ => None,
            },
        }
    }
}

async fn has_lost_origin(task: &Task, services: &Services) -> bool {
    let Ok(store) = services.store().await else { return false };
    lost_origin(&*store, task).await.is_ok_and(|lost| lost.is_some())
}

async fn budget(failure: &Failure, services: &Services) -> Option<BudgetStatus> {
    let Some(FailureDetail::Budget { scope, period, .. }) = &failure.detail else { return None };
    let budgets = services.store().await.ok()?.budgets(SystemClock.now()).await.ok()?;
    budgets
        .into_iter()
        .find(|status| status.budget.scope == *scope && status.budget.period == *period)
}

/// Returns where the key of the model is that was called: of the model that the failure names, else of
/// the one that the task names.
async fn key(task: &Task, failure: &Failure, services: &Services) -> Option<String> {
    let models = services.models().ok()?;
    let named = task.model.as_deref();
    let called = match &failure.detail {
        Some(FailureDetail::ModelCall { provider, model, .. }) => {
            let (provider, model) = (provider.clone(), model.clone());
            Some(ModelName::Qualified { provider, model }.to_string())
        }
        _ => None,
    };
    // An entry of the configuration may have a key of its own, so its name comes first.
    for name in [named, called.as_deref()].into_iter().flatten() {
        if let Ok(found) = models.find(name).await
            && found.key.is_some()
        {
            return found.key;
        }
    }
    None
}

/// Returns what to do, without looking anything up.
fn advice(task: &Task, failure: &Failure, now: &Circumstances) -> String {
    let id = short(task.id.as_str());
    let resume = format!("`az task resume {id}` continues the task");
    if now.has_lost_origin {
        return format!("no run of the task can get that record; {WITHOUT_ORIGIN}");
    }
    match (failure.kind, &failure.detail) {
        (_, Some(FailureDetail::Budget { needed, .. })) => over_budget(now, *needed, &resume),
        (_, Some(FailureDetail::Unpriced { .. })) => unpriced(now, &resume),
        (ErrorKind::Budget, _) => any_budget(&resume),
        // The tools of files are asked about only where a rule or a protected file says so: the name of
        // the tool alone is not enough then.
        (_, Some(FailureDetail::Approval { tool, .. })) if tool.starts_with("filesystem.") => {
            format!(
                "`az task resume {id} --allow '{tool}(PATH)'` lets it run without asking, with the path in \
             place of PATH; `az task resume {id}` at a terminal asks"
            )
        }
        (_, Some(FailureDetail::Approval { tool, .. })) => format!(
            "`az task resume {id} --allow {tool}` lets it run without asking; \
             `az task resume {id}` at a terminal asks"
        ),
        (ErrorKind::Approval, _) => format!(
            "`az task resume {id}` at a terminal asks; with --allow and the name of the tool it \
             runs without asking"
        ),
        (ErrorKind::Unauthorized, _) => {
            let key = now.key.as_ref().map_or_else(
                || {
                    "check the key and the account's credit: `az models list` shows where each \
                    key is"
                        .to_owned()
                },
                |key| format!("check the key ({key}) and the account's credit"),
            );
            format!("{key}; then {resume}")
        }
        (ErrorKind::NotFound, _) => format!(
            "`az models list` shows the names; `az task resume {id} --model OTHER` continues the \
             task with another model"
        ),
        (_, Some(FailureDetail::OutputSchema { .. })) => format!(
            "`az task resume {id}` lets the model try again, with --model another one; \
             `az task logs {id}` shows the answers"
        ),
        (ErrorKind::StepLimit, detail) => {
            let more = steps(task, detail.as_ref()).saturating_mul(2);
            format!("`az task resume {id} --max-steps {more}` gives it more steps")
        }
        (ErrorKind::CallLimit, Some(FailureDetail::CallLimit { limit })) => {
            let more = limit.saturating_mul(2);
            format!("`az task resume {id} --max-calls {more}` gives it more tool calls")
        }
        (ErrorKind::TimedOut, detail) => {
            let more = seconds(task, detail.as_ref()).saturating_mul(2);
            format!("`az task resume {id} --timeout {more}s` gives it more time")
        }
        (ErrorKind::BadRequest, _) => format!(
            "state the task differently, as a new one; `az task logs {id}` shows what happened"
        ),
        (ErrorKind::RateLimited, detail) => later(wait(detail.as_ref()), &resume),
        (ErrorKind::Unavailable | ErrorKind::Protocol, _) => later(None, &resume),
        (ErrorKind::Cancelled, _) => resume,
        _ => format!(
            "`az task logs {id}` shows what happened; {resume}; `az task retry {id}` starts over"
        ),
    }
}

/// Returns the command that makes the budget twice as large, and large enough for the call.
fn over_budget(now: &Circumstances, needed: Usd, resume: &str) -> String {
    let Some(status) = &now.budget else { return any_budget(resume) };
    let budget = &status.budget;
    let amount = status.used().plus(needed).max(budget.amount.plus(budget.amount));
    let set = set_budget(&budget.scope, budget.period, amount, &budget.alerts);
    let release = if status.uncertain > Usd::ZERO { RELEASE } else { "" };
    format!("{release}`{set}` raises the budget; then {resume}")
}

fn any_budget(resume: &str) -> String {
    format!(
        "`az cost budget show` shows the budgets, `az cost budget set --help` how to raise one; \
         then {resume}"
    )
}

fn unpriced(now: &Circumstances, resume: &str) -> String {
    let first = if now.prices_are_off {
        "llm.cost_tracking is false in the configuration, so no model has a price: set it to true, \
         or make the budget --soft"
    } else {
        UNPRICED
    };
    format!("{first}; then {resume}")
}

/// Returns the limit of steps that the task ran into.
fn steps(task: &Task, detail: Option<&FailureDetail>) -> u32 {
    match detail {
        Some(FailureDetail::StepLimit { limit }) => *limit,
        _ => task.options.max_steps.unwrap_or(50),
    }
}

/// Returns the limit of time that the task ran into, in whole seconds, rounded up.
fn seconds(task: &Task, detail: Option<&FailureDetail>) -> u64 {
    let limit = match detail {
        Some(FailureDetail::TimedOut { limit_millis }) => limit_millis.div_ceil(1000),
        _ => task.options.timeout.map_or(300, |limit| limit.as_secs()),
    };
    limit.max(1)
}

/// Returns how many seconds the provider asked to wait.
fn wait(detail: Option<&FailureDetail>) -> Option<u64> {
    match detail {
        Some(FailureDetail::ModelCall { retry_after_millis, .. }) => {
            retry_after_millis.map(|millis| millis.div_ceil(1000))
        }
        _ => None,
    }
}

fn later(wait: Option<u64>, resume: &str) -> String {
    match wait {
        Some(seconds) => format!("try again in {seconds} s: {resume}"),
        None => format!("try again later: {resume}"),
    }
}

#[cfg(test)]
mod tests;
