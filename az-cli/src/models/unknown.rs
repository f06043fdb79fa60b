//! The errors of names that are unknown or invalid.

use az_ai::error::Error;
use az_ai::model_name::InvalidModelName;
use az_core::ErrorKind;

use crate::error::CliError;

/// Returns an error of a model as the command line reports it: an unknown or invalid name is a settings
/// error.
pub fn to_cli(error: Error) -> CliError {
    match error {
        Error::UnknownModel { name, near } => unknown_model(&name, &near),
        Error::InvalidModelName(error) => invalid_name(&error),
        error @ Error::Setup { .. } => no_model(&error),
        error => CliError::Core(error.into()),
    }
}

/// Returns the error of a model that is not set up, or of rules without a usable model.
fn no_model(error: &Error) -> CliError {
    CliError::Model {
        message: error.chain(),
        help: "`az models list` shows which models have a key; set the variable that it names, or \
               choose another model with --model"
            .to_owned(),
        kind: ErrorKind::Config,
    }
}

/// Returns the error of a text that is not the name of a model.
pub(super) fn invalid_name(error: &InvalidModelName) -> CliError {
    CliError::Settings(error.to_string())
}

/// Returns the error of an unknown name, with similar ones.
pub(super) fn unknown_model(name: &str, near: &[String]) -> CliError {
    CliError::Model {
        message: format!("unknown model {name:?}{}", did_you_mean(near)),
        help: "`az models list` lists the names; other models of a provider are named \
               provider/model, as in openai/gpt-5.6"
            .to_owned(),
        kind: ErrorKind::NotFound,
    }
}

/// Returns the end of a message about an unknown name; it is empty if no name is similar.
pub fn did_you_mean(near: &[String]) -> String {
    match near {
        [] => String::new(),
        near => format!("; did you mean {}?", near.join(" or ")),
    }
}
