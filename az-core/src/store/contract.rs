//! The union of all storage contracts.

use super::admin::StoreAdmin;
use crate::config::ConfigManager;
use crate::journal::RunStore;
use crate::log::LogStore;
use crate::state::StateManager;

/// All contracts that a command, a server or a worker needs, in one store. Implemented for every
/// type that implements all of them.
pub trait Store: RunStore + StateManager + ConfigManager + LogStore + StoreAdmin {}

impl<S: RunStore + StateManager + ConfigManager + LogStore + StoreAdmin + ?Sized> Store for S {}
