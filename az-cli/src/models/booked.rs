//! Maps the name of a model to the name that its calls are booked under.

use az_ai::model_name::ModelName;
use az_ai::resolver::near;

use super::choose::ModelChooser;
use super::unknown::to_cli;
use crate::error::CliError;

/// The name that the calls of a model are booked under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Booked {
    /// The name of a known model.
    As(String),
    /// An unknown name, with known ones that are similar.
    Unknown(Vec<String>),
}

impl ModelChooser {
    /// Returns the name that a model's calls are booked under. Nothing is sent: a model whose key is
    /// missing, or whose server does not answer, is known as well.
    ///
    /// # Errors
    ///
    /// A usage error for a name that does not mean one model; a settings error for a recording that
    /// cannot be read.
    pub fn booked_as(&self, name: &str) -> Result<Booked, CliError> {
        let invalid = |what: &str| CliError::Usage(format!("--of {name:?}: {what}"));
        let parsed: ModelName =
            name.parse().map_err(|az_ai::model_name::InvalidModelName { problem, .. }| {
                invalid(&problem.to_string())
            })?;
        self.booked(&parsed, &invalid)
    }

    fn booked(
        &self,
        name: &ModelName,
        invalid: &dyn Fn(&str) -> CliError,
    ) -> Result<Booked, CliError> {
        if self.catalog().is_added(name) {
            return Err(invalid("it is not a model, and its calls cost nothing"));
        }
        match name {
            ModelName::Auto | ModelName::Record { model: None, .. } => {
                Err(invalid("it can mean more than one model; name the model"))
            }
            ModelName::Offline => Err(invalid("it is not a model, and its calls cost nothing")),
            ModelName::Record { model: Some(model), .. } => self.booked(model, invalid),
            ModelName::Scripted { .. } => Ok(Booked::As(name.to_string())),
            ModelName::Replay { .. } => {
                Ok(Booked::As(self.catalog().resolve_name(name).map_err(to_cli)?.model))
            }
            ModelName::Local { model } => Ok(Booked::As(model.clone())),
            name => match self.catalog().target(name) {
                Some(target) => match target.model {
                    Some(model) => Ok(Booked::As(model.to_owned())),
                    None => Err(invalid(&format!("name one of its models, as in {name}/MODEL"))),
                },
                None => Ok(self.known(&name.to_string())),
            },
        }
    }

    fn known(&self, name: &str) -> Booked {
        let catalog = self.catalog();
        let entries = catalog.entries();
        let of_entries = || entries.iter().filter_map(|entry| entry.config.model.as_deref());
        if catalog.prices().has_model(name) || of_entries().any(|model| model == name) {
            return Booked::As(name.to_owned());
        }
        let priced = catalog.prices().models().map(|known| known.model.as_ref());
        Booked::Unknown(near(name, entries.names().chain(of_entries()).chain(priced)))
    }
}
