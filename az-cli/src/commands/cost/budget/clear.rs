//! `az cost budget clear`.

use std::process::ExitCode;

use az_core::cost::Period;
use clap::Args;

use super::super::payer::Unknown;
use super::scope::ScopeArgs;
use crate::commands::one_of;
use crate::error::CliError;
use crate::models::Booked;
use crate::services::Services;
use crate::views::NoticeView;

const EXAMPLES: &str = "\
Examples:
  az cost budget clear
  az cost budget clear --period daily
  az cost budget clear --scope model --of claude
  az cost budget clear --payer key:test --period daily";

/// Remove a budget
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct ClearArgs {
    /// Period of the budget
    #[arg(long, short, default_value = "monthly", value_name = "PERIOD", value_parser = one_of::period())]
    period: Period,
    #[command(flatten)]
    scope: ScopeArgs,
}

/// Removes a budget. The ledger is not changed.
///
/// # Errors
///
/// A usage error if there is no such budget, or the store's.
pub(super) async fn run(args: &ClearArgs, services: &Services) -> Result<ExitCode, CliError> {
    // A budget may have a name that is not the name of a model.
    let model = |name: &str| {
        Ok(match services.models()?.booked_as(name) {
            Ok(Booked::As(model)) => model,
            Ok(Booked::Unknown(_)) | Err(_) => name.to_owned(),
        })
    };
    let scope = args.scope.scope(services, Unknown::Keep, model).await?;
    let name = format!("{scope} {}", args.period);
    if !services.store().await?.clear_budget(&scope, args.period).await? {
        return Err(CliError::Usage(format!(
            "there is no {name} budget; `az cost budget show` lists the budgets"
        )));
    }
    let notice = NoticeView::BudgetCleared { scope: scope.to_string(), period: args.period };
    services.printer().done(&format!("removed the {name} budget"), &notice)?;
    Ok(ExitCode::SUCCESS)
}
