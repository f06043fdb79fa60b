//! The HTTP client of `web.fetch`.

use std::error::Error as _;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use az_ai::provider::network::Network;
use az_mcp::builtin::web::{LARGEST_BODY, WebClient, WebResponse};
use az_mcp::sandbox::{AddressCheck, PublicAddresses, Resolver, SystemResolver};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};

/// The longest that a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// What is asked for, if a server has several forms of a page.
const ACCEPTED: &str = "text/html, text/markdown, text/plain, application/json, */*;q=0.1";

/// Gets pages from public addresses, or through the configured proxies.
#[derive(Debug)]
pub(crate) struct CheckedClient {
    resolver: Arc<dyn Resolver>,
    check: Arc<dyn AddressCheck>,
    network: Network,
    client: OnceLock<Client>,
}

impl CheckedClient {
    /// Creates a client that uses the proxies and the certificate authorities of a network.
    pub(crate) fn of(network: Network) -> Self {
        Self::new(Arc::new(SystemResolver), Arc::new(PublicAddresses), network)
    }

    /// Creates a client that finds and checks addresses in this way.
    fn new(resolver: Arc<dyn Resolver>, check: Arc<dyn AddressCheck>, network: Network) -> Self {
        // The client's certificate is for providers.
        Self { resolver, check, network: network.without_identity(), client: OnceLock::new() }
    }

    /// Returns the client, which is created when it is first needed: that reads the certificates of the system.
    fn client(&self) -> Result<&Client, String> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let (resolver, check) = (Arc::clone(&self.resolver), Arc::clone(&self.check));
        let proxies = self.network.proxy_hosts().collect();
        az_ai::provider::http::use_cryptography();
        let builder = Client::builder()
            // Environment variables are read elsewhere, in one place.
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .user_agent(concat!("az/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(CheckedAddresses { resolver, check, proxies }));
        let builder = self.network.configure(builder).map_err(|error| error.to_string())?;
        let client = builder
            .build()
            .map_err(|error| format!("the HTTP client cannot be created: {}", reason(error)))?;
        Ok(self.client.get_or_init(|| client))
    }
}

#[async_trait]
impl WebClient for CheckedClient {
    async fn get(&self, url: &Url) -> Result<WebResponse, String> {
        // An address is not looked up.
        let host = url.host_str().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.parse::<IpAddr>().is_ok_and(|address| !self.check.allows(address)) {
            return Err("this is not an address of the public Internet".to_owned());
        }
        if self.network.proxy_hosts().any(|proxy| proxy.eq_ignore_ascii_case(host)) {
            return Err("this is the proxy of az, which has no pages".to_owned());
        }
        let request = self.client()?.get(url.clone()).header(ACCEPT, ACCEPTED);
        let mut response = request.send().await.map_err(reason)?;
        let header = |name| {
            let value = response.headers().get(name)?;
            Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        let (content_type, location) = (header(CONTENT_TYPE), header(LOCATION));
        let (body, is_cut) = body_of(&mut response).await?;
        let status = response.status().as_u16();
        let content_type = content_type.unwrap_or_default();
        Ok(WebResponse { status, content_type, location, body, is_cut })
    }
}

/// Reads a body up to the limit; returns also whether there is more of it.
async fn body_of(response: &mut Response) -> Result<(Vec<u8>, bool), String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(reason)? {
        body.extend_from_slice(&chunk);
        if body.len() > LARGEST_BODY {
            body.truncate(LARGEST_BODY);
            return Ok((body, true));
        }
    }
    Ok((body, false))
}

/// Finds addresses, and refuses a host of which one is not allowed. The client connects to no other addresses
/// than those that are returned, so that a second answer of a name server changes nothing.
///
/// A proxy may have any address: a person has configured it. It finds the addresses of the hosts that are reached
/// through it.
#[derive(Debug)]
struct CheckedAddresses {
    resolver: Arc<dyn Resolver>,
    check: Arc<dyn AddressCheck>,
    /// The hosts of the proxies.
    proxies: Vec<String>,
}

impl Resolve for CheckedAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolver, check) = (Arc::clone(&self.resolver), Arc::clone(&self.check));
        let is_proxy = self.proxies.iter().any(|proxy| proxy.eq_ignore_ascii_case(name.as_str()));
        Box::pin(async move {
            let addresses = resolver.resolve(name.as_str()).await?;
            if !is_proxy
                && let Some(address) = addresses.iter().find(|address| !check.allows(**address))
            {
                let refused = Refused { name: name.as_str().to_owned(), address: *address };
                return Err(refused.into());
            }
            // The port is that of the request.
            let addresses = addresses.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}

/// A host whose address may not be connected to.
#[derive(Debug)]
struct Refused {
    name: String,
    address: IpAddr,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, address } = self;
        write!(f, "{name} has the address {address}, which is not of the public Internet")
    }
}

impl std::error::Error for Refused {}

/// Returns the innermost reason of a failure. The outer ones only say that the request failed.
fn reason(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut innermost = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        innermost = error.to_string();
        source = error.source();
    }
    innermost
}

#[cfg(test)]
mod tests;
