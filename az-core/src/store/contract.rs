//! The union of all storage contracts.

use super::admin::StoreAdmin;
use crate::config::ConfigManager;
use crate::journal::RunStore;
use crate::log::LogStore;
use crate::state::StateManager;

/// A store with everything that a command, a server or a worker needs. Implemented for every type
/// that keeps all of the contracts.
pub trait Store: RunStore + StateManager + ConfigManager + LogStore + StoreAdmin {}

impl<S: RunStore + StateManager + ConfigManager + LogStore + StoreAdmin + ?Sized> Store for S {}
