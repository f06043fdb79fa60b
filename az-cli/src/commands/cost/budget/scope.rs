//! The options that name what a budget covers.

use az_core::cost::{Payer, Scope};
use clap::{Args, ValueEnum};

use super::super::payer::{Unknown, parse_payer, resolve};
use crate::commands::task::find;
use crate::error::CliError;
use crate::services::Services;

/// What a budget covers.
#[derive(Debug, Clone, Args)]
pub(super) struct ScopeArgs {
    /// What the budget covers
    #[arg(long, value_enum, default_value = "global")]
    pub(super) scope: Covers,
    /// Name of the model, or id of the task, that the budget covers
    #[arg(long, value_name = "NAME", required_if_eq_any([("scope", "task"), ("scope", "model")]))]
    pub(super) of: Option<String>,
    /// Payer that the budget covers, with its descendants: task:ID, key:NAME or KIND:NAME
    #[arg(long, value_name = "KIND:NAME", value_parser = parse_payer,
          conflicts_with_all = ["scope", "of"])]
    pub(super) payer: Option<Payer>,
}

/// What a budget covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Covers {
    /// All calls.
    Global,
    /// A task and the tasks that are parts of it, named by --of.
    Task,
    /// A model, named by --of.
    Model,
}

impl ScopeArgs {
    /// Returns the scope: a task by its id or a part of it, a model by the name that `model` finds for
    /// what was typed, any other payer as it is. `unknown` says what becomes of a payer that is a task
    /// which does not exist.
    ///
    /// # Errors
    ///
    /// A usage error for `--of` without `--scope`, or the error of a task or model that is unknown.
    pub(super) async fn scope(
        &self,
        services: &Services,
        unknown: Unknown,
        model: impl FnOnce(&str) -> Result<String, CliError>,
    ) -> Result<Scope, CliError> {
        if let Some(payer) = &self.payer {
            let store = services.store().await?;
            return Ok(Scope::Payer(resolve(&*store, payer, unknown).await?));
        }
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
                Err(CliError::Usage("--scope task and --scope model need --of NAME".to_owned()))
            }
        }
    }
}
