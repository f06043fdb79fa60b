//! Resolves the names of models to clients: entries of a configuration, their keys and prices.

mod clients;
mod config;
mod connected;
mod entries;
mod environment;
mod invalid;
mod options;
mod resolve;

pub use crate::provider::network::displayed_url;
pub use clients::{ModelCatalog, Target};
pub use connected::ConnectedModels;
pub use entries::{Entries, Entry};
pub use environment::{Access, Environment, KeyFile};
pub use invalid::{ConnectError, InvalidEntry};
pub use options::{ConnectOptions, ModelFactory};
