//! What `web.fetch` may connect to.

use std::sync::Arc;

use crate::sandbox::{AddressCheck, HostPattern, PublicAddresses, Resolver, SystemResolver};

/// What `web.fetch` may connect to: addresses of the public Internet, of these hosts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct WebOptions {
    /// The hosts.
    pub hosts: Vec<HostPattern>,
    /// Finds the addresses of a host.
    pub resolver: Arc<dyn Resolver>,
    /// Decides which of them may be connected to.
    pub addresses: Arc<dyn AddressCheck>,
}

impl WebOptions {
    /// Creates options with the system's resolver.
    pub fn new(hosts: Vec<HostPattern>) -> Self {
        Self { hosts, resolver: Arc::new(SystemResolver), addresses: Arc::new(PublicAddresses) }
    }

    /// Sets how addresses are found and checked.
    #[must_use]
    pub fn with_addresses(
        mut self,
        resolver: Arc<dyn Resolver>,
        addresses: Arc<dyn AddressCheck>,
    ) -> Self {
        self.resolver = resolver;
        self.addresses = addresses;
        self
    }
}
