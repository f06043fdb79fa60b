//! The fixture of stores whose handles are clones.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use super::kit::{Capabilities, Fixture};
use super::store::RunAndStateStore;
use super::store_admin::{AdminStore, StoreAdminFixture};
use crate::clock::Clock;
use crate::config::ConfigManager;
use crate::embed::Embedder;
use crate::journal::RunStore;
use crate::log::{CommandLog, LogStore};
use crate::policy::Policy;
use crate::state::StateManager;
use crate::task::{TaskQueue, TaskRepository};
use crate::tool::Toolbox;

/// A fixture of a value whose clones are handles to the same data. Shared, but not durable.
#[derive(Debug, Clone, Default)]
pub struct Shared<S>(S);

impl<S: Default> Shared<S> {
    /// Returns a fixture of a new value.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<S> Shared<S> {
    /// Returns a fixture of this value.
    pub const fn of(value: S) -> Self {
        Self(value)
    }
}

macro_rules! fixture_of {
    ($($contract:ident)+) => {
        $(
            #[async_trait]
            impl<S: $contract + Clone + fmt::Debug + 'static> Fixture<dyn $contract> for Shared<S> {
                async fn open(&self) -> Arc<dyn $contract> {
                    Arc::new(self.0.clone())
                }

                fn capabilities(&self) -> Capabilities {
                    Capabilities::NONE.shared()
                }
            }
        )+
    };
}

fixture_of!(
    TaskRepository TaskQueue RunStore RunAndStateStore AdminStore StateManager ConfigManager LogStore
    CommandLog     Toolbox Embedder Policy Clock
);

impl<S: AdminStore + Clone> StoreAdminFixture for Shared<S> {}
