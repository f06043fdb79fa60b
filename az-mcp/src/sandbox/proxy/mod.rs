//! The proxy through which commands reach the hosts that they may connect to, and no others.

mod address;
mod request;
mod resolver;
mod server;

pub use address::{AddressCheck, PublicAddresses};
pub use resolver::{Resolver, SystemResolver};
pub use server::EgressProxy;
