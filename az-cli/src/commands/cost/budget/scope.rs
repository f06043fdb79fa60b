//! What a budget covers, as it is typed.

use az_core::cost::{Budget, Scope};
use clap::{Args, ValueEnum};

use crate::commands::task::find;
use crate::error::CliError;
use crate::services::Services;

/// Which budget.
#[derive(Debug, Clone, Args)]
pub(super) struct ScopeArgs {
    /// What it covers
    #[arg(long, value_enum, default_value = "global")]
    pub(super) scope: Covers,
    /// The task or the model that it covers
    #[arg(long, value_name = "NAME", required_if_eq_any([("scope", "task"), ("scope", "model")]))]
    pub(super) of: Option<String>,
}

/// What a budget covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Covers {
    /// Everything.
    Global,
    /// A task and its parts; name it with --of.
    Task,
    /// A model; name it with --of.
    Model,
}

impl ScopeArgs {
    /// Returns the scope: a task by the part of its id that was typed, a model by the name that
    /// `model` finds for what was typed.
    ///
    /// # Errors
    ///
    /// A usage error for a name without need, or a task or model that nobody knows.
    pub(super) async fn scope(
        &self,
        services: &Services,
        model: impl FnOnce(&str) -> Result<String, CliError>,
    ) -> Result<Scope, CliError> {
        match (self.scope, &self.of) {
            (Covers::Global, None) => Ok(Scope::Global),
            (Covers::Global, Some(name)) => {
                Err(CliError::Usage(format!("--of {name:?} needs --scope task or --scope model")))
            }
            (Covers::Task, Some(id)) => {
                let store = services.store().await?;
                let task = find(&*store, id).await?;
                Ok(Scope::task(task.id))
            }
            (Covers::Model, Some(name)) => Ok(Scope::Model(model(name)?)),
            (Covers::Task | Covers::Model, None) => {
                Err(CliError::Usage("--of names the task or model that is meant".to_owned()))
            }
        }
    }
}

/// Returns a budget for people.
pub(super) fn in_words(budget: &Budget) -> String {
    let alerts: Vec<_> = budget.alerts.iter().map(|alert| format!("{alert}%")).collect();
    let (name, limit) = (budget.name(), budget.limit.as_str());
    format!("{name} {} {limit}, told at {}", budget.amount, alerts.join(" and "))
}
