//! Stores with all contracts, opened by address.

mod address;
mod admin;
mod contract;
mod factory;
mod namespace;
mod registry;

pub use address::StoreAddress;
pub use admin::{Leftover, StoreAdmin, StoreMigration, StoreStatus};
pub use contract::Store;
pub use factory::{StoreAccess, StoreFactory, StoreRequest};
pub use namespace::Namespace;
pub use registry::StoreRegistry;
