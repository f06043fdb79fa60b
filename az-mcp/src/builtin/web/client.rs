//! The HTTP client of `web.fetch`.

use std::error::Error as _;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{ACCEPT, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

use super::options::WebOptions;
use super::target::Target;
use crate::sandbox::{AddressCheck, Resolver};

/// The longest that a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// The most that is read of a body after decompression, in bytes.
const LARGEST: usize = 4 << 20;
/// What is asked for, if a server has several forms of a page.
const ACCEPTED: &str = "text/html, text/markdown, text/plain, application/json, */*;q=0.1";

/// Sends requests to public addresses only, without proxies, cookies, credentials and redirections.
#[derive(Debug)]
pub(super) struct WebClient {
    options: WebOptions,
    client: OnceLock<Client>,
}

/// A response, read up to the limit.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
    /// Whether the body is longer.
    pub(super) is_cut: bool,
}

impl WebClient {
    pub(super) const fn new(options: WebOptions) -> Self {
        Self { options, client: OnceLock::new() }
    }

    pub(super) const fn options(&self) -> &WebOptions {
        &self.options
    }

    /// Gets a page. A redirection is a response as any other.
    ///
    /// # Errors
    ///
    /// The reason why there is no response.
    pub(super) async fn get(&self, target: &Target) -> Result<Response, String> {
        // An address needs no resolver.
        if let Ok(address) = target.host.parse::<IpAddr>()
            && !self.options.addresses.allows(address)
        {
            return Err("this is not an address of the public Internet".to_owned());
        }
        let request = self.client()?.get(target.url.clone()).header(ACCEPT, ACCEPTED);
        let mut response = request.send().await.map_err(reason)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(reason)? {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST {
                body.truncate(LARGEST);
                return Ok(Response { status, headers, body, is_cut: true });
            }
        }
        Ok(Response { status, headers, body, is_cut: false })
    }

    /// Returns the client, which is created when it is first needed: that reads the certificates of the system.
    fn client(&self) -> Result<&Client, String> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        // An error means that another part of the program has chosen already.
        rustls::crypto::ring::default_provider().install_default().ok();
        let addresses = CheckedAddresses {
            resolver: Arc::clone(&self.options.resolver),
            check: Arc::clone(&self.options.addresses),
        };
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .referer(false)
            .connect_timeout(CONNECT)
            .user_agent(concat!("az/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(Arc::new(addresses))
            .build()
            .map_err(|error| format!("the HTTP client cannot be created: {}", reason(error)))?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// Finds addresses, and refuses a host of which one is not allowed. The client connects to no other addresses
/// than those that are returned, so that a second answer of a name server changes nothing.
#[derive(Debug)]
struct CheckedAddresses {
    resolver: Arc<dyn Resolver>,
    check: Arc<dyn AddressCheck>,
}

impl Resolve for CheckedAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let (resolver, check) = (Arc::clone(&self.resolver), Arc::clone(&self.check));
        Box::pin(async move {
            let addresses = resolver.resolve(name.as_str()).await?;
            if let Some(address) = addresses.iter().find(|address| !check.allows(**address)) {
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
