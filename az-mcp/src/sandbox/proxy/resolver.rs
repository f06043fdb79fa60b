//! The addresses of hosts.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use async_trait::async_trait;
use tokio::net::lookup_host;

/// Finds the addresses of a host.
///
/// # Contract
///
/// 1. The addresses are those of the host, in the order in which they are tried; an unknown host is
///    an error.
#[async_trait]
pub trait Resolver: fmt::Debug + Send + Sync + 'static {
    /// Returns the addresses of a host.
    ///
    /// # Errors
    ///
    /// Those of the system.
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>>;
}

/// Asks the system's resolver.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemResolver;

#[async_trait]
impl Resolver for SystemResolver {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        Ok(lookup_host((name, 0)).await?.map(|address: SocketAddr| address.ip()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks `Resolver` 1.
    #[tokio::test]
    async fn the_system_knows_this_machine_and_not_an_invalid_name() {
        let addresses = SystemResolver.resolve("localhost").await.unwrap();
        assert!(addresses.iter().all(IpAddr::is_loopback) && !addresses.is_empty());
        assert!(SystemResolver.resolve("a name").await.is_err());
    }
}
