//! The proxy through which commands reach the hosts that they may connect to, and no others.

mod address;
mod host;
mod request;
mod resolver;
mod server;

pub use address::{AddressCheck, PublicAddresses};
pub use host::HostPattern;
pub use resolver::{Resolver, SystemResolver};
pub use server::EgressProxy;
