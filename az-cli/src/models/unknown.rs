//! What to say of names that nobody knows.

use az_ai::error::Error;

use crate::error::CliError;

/// Returns an error of the models' as the command line tells it: a name that nobody knows is a
/// setting that is wrong, wherever it comes up.
pub fn to_cli(error: Error) -> CliError {
    match error {
        Error::UnknownModel { name, near } => unknown_model(&name, &near),
        error => CliError::Core(error.into()),
    }
}

/// Returns the error for a name that nobody knows, with those that look like it.
pub(super) fn unknown_model(name: &str, near: &[String]) -> CliError {
    CliError::Settings(format!(
        "no model is called {name:?}{}\n`az models list` shows the names there are; a provider's \
         own are written as in openai/gpt-5.6",
        did_you_mean(near)
    ))
}

/// Returns what to add to a message about a wrong name; nothing when no name looks like it.
pub fn did_you_mean(near: &[String]) -> String {
    match near {
        [] => String::new(),
        near => format!("; did you mean {}?", near.join(" or ")),
    }
}
