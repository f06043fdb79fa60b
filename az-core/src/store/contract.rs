//! The union of all storage contracts.

use super::admin::StoreAdmin;
use crate::config::ConfigManager;
use crate::journal::RunStore;
use crate::log::{CommandLog, LogStore};
use crate::state::StateManager;

/// All contracts that a command, a server or a worker needs, in one store. Implemented for every
/// type that implements all of them.
pub trait Store:
    RunStore + StateManager + ConfigManager + LogStore + CommandLog + StoreAdmin
{
}

impl<S> Store for S where
    S: RunStore + StateManager + ConfigManager + LogStore + CommandLog + StoreAdmin + ?Sized
{
}
