//! From a name as it is typed to the name that calls are booked under.

use az_ai::resolver::{ModelResolver, near};

use super::choose::ModelChooser;
use super::name::Name;
use super::unknown::to_cli;
use crate::error::CliError;

/// What calls are booked under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Booked {
    /// A model that is known.
    As(String),
    /// Nobody knows it yet; these names look like it.
    Unheard(Vec<String>),
}

impl ModelChooser {
    /// Returns the name that a model's calls are booked under. Nobody is asked: one whose key is
    /// missing, or whose server is down, is known all the same.
    ///
    /// # Errors
    ///
    /// A usage error for a name that stands for no one model; a settings error for prices or a
    /// recording that cannot be read.
    pub fn booked_as(&self, name: &str) -> Result<Booked, CliError> {
        let no_model = |what: &str| CliError::Usage(format!("--of {name:?}: {what}"));
        if name.trim().is_empty() {
            return Err(no_model("it names no model"));
        }
        match Name::read(name, self.entries()) {
            Name::Entry(entry) => match entry.model() {
                Some(model) => Ok(Booked::As(model.to_owned())),
                None => Err(no_model(&format!("name one of its models, as in {name}/MODEL"))),
            },
            Name::Of { model, .. } | Name::Local { model } => Ok(Booked::As(model.to_owned())),
            Name::Auto | Name::Record { model: None, .. } => {
                Err(no_model("it stands for more than one model; name the model"))
            }
            Name::Offline | Name::Demo => {
                Err(no_model("it is no model, and nothing that it does costs anything"))
            }
            Name::Record { model: Some(model), .. } => self.booked_as(model),
            Name::Scripted { .. } => Ok(Booked::As(name.to_owned())),
            Name::Replay { .. } => {
                Ok(Booked::As(self.clients().resolve(Some(name)).map_err(to_cli)?.model))
            }
            Name::Unknown => self.heard_of(name),
        }
    }

    fn heard_of(&self, name: &str) -> Result<Booked, CliError> {
        let of_entries = || self.entries().iter().filter_map(|entry| entry.config.model.as_deref());
        if self.prices().knows(name)? || of_entries().any(|model| model == name) {
            return Ok(Booked::As(name.to_owned()));
        }
        let book = self.prices().book()?;
        let priced = book.models().map(|known| known.model.as_ref());
        Ok(Booked::Unheard(near(name, self.entries().names().chain(of_entries()).chain(priced))))
    }
}
