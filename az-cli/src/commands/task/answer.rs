//! `az task answer`.

use std::process::ExitCode;

use az_core::task::{WaitKind, WaitReply};
use clap::Args;

use super::parked::Parked;
use crate::error::CliError;
use crate::services::Services;

const EXAMPLES: &str = "\
Examples:
  az task show 4f2a9c81d0e7
  az task answer 4f2a9c81d0e7 the second one

The text is the result of the call that asked. `az task deny` declines to answer.";

/// Answer the question that a task waits for
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct AnswerArgs {
    /// Id of the task, or a unique beginning or end of it
    #[arg(value_name = "ID")]
    waiting: String,
    /// The answer
    #[arg(required = true, value_name = "TEXT")]
    text: Vec<String>,
}

/// Answers the question.
///
/// # Errors
///
/// A usage error for an empty text, or one that is none of the answers to choose from; `UnknownTask`,
/// `NotWaiting`, or the store's.
pub(super) async fn run(args: &AnswerArgs, services: &Services) -> Result<ExitCode, CliError> {
    let store = services.store().await?;
    let parked = Parked::find(&*store, &args.waiting, Some(WaitKind::Question)).await?;
    let text = args.text.join(" ");
    let text = text.trim();
    if text.is_empty() {
        return Err(CliError::Usage("the answer must not be empty".to_owned()));
    }
    let options = &parked.asked.options;
    if !options.is_empty() && !options.iter().any(|option| option == text) {
        let options = options.join(", ");
        return Err(CliError::Usage(format!("{text:?} is none of the answers: {options}")));
    }
    let reply = WaitReply::Text { text: text.to_owned() };
    parked.answer(("az task answer", "answered"), reply, services).await?;
    Ok(ExitCode::SUCCESS)
}
