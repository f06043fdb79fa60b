//! The way to the providers: proxies and certificates.

use std::fmt;

use reqwest::{Certificate, ClientBuilder, Identity, NoProxy, Proxy, Url};

use crate::error::{Error, Result};

/// The hosts that no proxy is used for. A server on this machine is not reachable from a proxy.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1,0.0.0.0";

/// Proxies and certificates of the HTTP client. By default, requests use no proxy, and servers need a
/// certificate that the operating system trusts.
///
/// Requests to `localhost` and to addresses of the loopback interface never use a proxy.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Network {
    http_proxy: Option<Setting<String>>,
    https_proxy: Option<Setting<String>>,
    no_proxy: String,
    ca: Option<Setting<Vec<u8>>>,
    identity: Option<Setting<Vec<u8>>>,
}

/// A value, and the place that sets it.
#[derive(Clone, PartialEq, Eq)]
struct Setting<T> {
    value: T,
    origin: String,
}

/// Prints no values: the address of a proxy may contain a password.
impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Network")
            .field("http_proxy", &origin(self.http_proxy.as_ref()))
            .field("https_proxy", &origin(self.https_proxy.as_ref()))
            .field("ca", &origin(self.ca.as_ref()))
            .field("identity", &origin(self.identity.as_ref()))
            .finish_non_exhaustive()
    }
}

impl Network {
    /// Returns the network with a proxy for `http://` addresses, such as `http://proxy:3128`. `origin`
    /// is the setting that errors name, such as `$HTTP_PROXY`.
    #[must_use]
    pub fn with_http_proxy(mut self, url: impl Into<String>, origin: impl Into<String>) -> Self {
        self.http_proxy = Some(Setting { value: url.into(), origin: origin.into() });
        self
    }

    /// Returns the network with a proxy for `https://` addresses.
    #[must_use]
    pub fn with_https_proxy(mut self, url: impl Into<String>, origin: impl Into<String>) -> Self {
        self.https_proxy = Some(Setting { value: url.into(), origin: origin.into() });
        self
    }

    /// Returns the network with hosts that no proxy is used for, separated by commas: names, which
    /// include their subdomains, addresses, blocks of addresses such as `10.0.0.0/8`, or `*`.
    #[must_use]
    pub fn without_proxy_for(mut self, hosts: impl Into<String>) -> Self {
        self.no_proxy = hosts.into();
        self
    }

    /// Returns the network with further certificate authorities, in PEM.
    #[must_use]
    pub fn with_ca(mut self, pem: impl Into<Vec<u8>>, origin: impl Into<String>) -> Self {
        self.ca = Some(Setting { value: pem.into(), origin: origin.into() });
        self
    }

    /// Returns the network with the client's certificate and its key, in PEM.
    #[must_use]
    pub fn with_identity(mut self, pem: impl Into<Vec<u8>>, origin: impl Into<String>) -> Self {
        self.identity = Some(Setting { value: pem.into(), origin: origin.into() });
        self
    }

    /// Returns the setting with the proxy that requests to an address may use.
    pub(super) fn proxy_setting(&self, url: &Url) -> Option<&str> {
        let is_loopback = url.host_str().is_some_and(is_loopback);
        let proxy = if url.scheme() == "https" { &self.https_proxy } else { &self.http_proxy };
        proxy.as_ref().filter(|_| !is_loopback).map(|setting| setting.origin.as_str())
    }

    /// Returns the network without the client's certificate, for servers that it is not meant for.
    #[must_use]
    pub fn without_identity(mut self) -> Self {
        self.identity = None;
        self
    }

    /// Returns the hosts of the proxies.
    pub fn proxy_hosts(&self) -> impl Iterator<Item = String> {
        let proxies = self.http_proxy.iter().chain(&self.https_proxy);
        proxies.filter_map(|proxy| host_of(proxy_url(&proxy.value)?.as_str()))
    }

    /// Configures an HTTP client.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`] that names the invalid setting.
    pub fn configure(&self, mut builder: ClientBuilder) -> Result<ClientBuilder> {
        let hosts = NoProxy::from_string(&format!("{LOOPBACK},{}", self.no_proxy));
        let http = self.http_proxy.as_ref().map(|it| (it, Proxy::http(it.value.as_str())));
        let https = self.https_proxy.as_ref().map(|it| (it, Proxy::https(it.value.as_str())));
        for (Setting { value, origin }, proxy) in http.into_iter().chain(https) {
            let proxy = proxy.ok().filter(|_| proxy_url(value).is_some()).ok_or_else(|| {
                let expected = "must be the address of a proxy, such as http://proxy:3128 or \
                                socks5h://proxy:1080";
                invalid(origin, expected)
            })?;
            builder = builder.proxy(proxy.no_proxy(hosts.clone()));
        }
        if let Some(Setting { value, origin }) = &self.ca {
            let certificates = Certificate::from_pem_bundle(value).unwrap_or_default();
            if certificates.is_empty() {
                return Err(invalid(origin, "contains no certificate in PEM"));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        if let Some(Setting { value, origin }) = &self.identity {
            let identity = Identity::from_pem(value).map_err(|_| {
                invalid(origin, "must contain a certificate and its private key, both in PEM")
            })?;
            builder = builder.identity(identity);
        }
        Ok(builder)
    }
}

/// Returns the address of a proxy as a URL; `None` if it is none. Without a scheme it is that of an HTTP proxy.
fn proxy_url(address: &str) -> Option<Url> {
    let with_scheme = if address.contains("://") { "" } else { "http://" };
    let schemes = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
    let url = Url::parse(&format!("{with_scheme}{address}")).ok();
    url.filter(|url| schemes.contains(&url.scheme()) && url.has_host())
}

/// Whether a host of an address is this machine.
pub(crate) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').to_lowercase();
    let address = host.parse::<std::net::IpAddr>();
    let is_local = address.is_ok_and(|address| address.is_loopback() || address.is_unspecified());
    is_local || host == "localhost" || host.ends_with(".localhost")
}

/// Returns an address without a user, a password, a query and a fragment, which may be secrets.
pub fn displayed_url(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    let Ok(mut url) = Url::parse(address) else {
        return address.rsplit('@').next().unwrap_or_default().to_owned();
    };
    // An address that cannot have them has none.
    let _none = (url.set_username(""), url.set_password(None));
    match url.as_str().strip_suffix('/') {
        Some(shown) if !address.ends_with('/') => shown.to_owned(),
        _ => url.into(),
    }
}

/// Returns the host of an address, without its port.
pub(crate) fn host_of(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    Some(url.host_str()?.trim_start_matches('[').trim_end_matches(']').to_owned())
}

fn origin<T>(setting: Option<&Setting<T>>) -> Option<&str> {
    setting.map(|setting| setting.origin.as_str())
}

fn invalid(origin: &str, what: &str) -> Error {
    Error::Setup { provider: "the network".to_owned(), reason: format!("{origin} {what}") }
}

#[cfg(test)]
mod tests {
    use super::{Network, displayed_url, host_of, is_loopback};

    #[test]
    fn an_invalid_setting_is_named_without_its_value() {
        let proxy = "ftp://user:canary@proxy:1";
        for (network, expected) in [
            (Network::default().with_http_proxy(proxy, "$HTTP_PROXY"), "$HTTP_PROXY must be the"),
            (Network::default().with_https_proxy("http://", "network.proxy"), "network.proxy must"),
            (Network::default().with_ca("x", "ca.pem"), "ca.pem contains no certificate"),
            (Network::default().with_identity("x", "me.pem"), "me.pem must contain a certificate"),
        ] {
            let error = network.configure(reqwest::Client::builder()).unwrap_err().to_string();
            let expected = format!("the network is not set up: {expected}");
            assert!(error.starts_with(&expected) && !error.contains("canary"), "{error}");
            assert!(!format!("{network:?}").contains("canary"));
        }
    }

    #[test]
    fn the_hosts_of_proxies_are_those_of_their_addresses() {
        let network = Network::default()
            .with_http_proxy("user:pw@first.example:3128", "")
            .with_https_proxy("socks5h://second.example", "");
        assert!(network.proxy_hosts().eq(["first.example", "second.example"]));
        assert!(Network::default().proxy_hosts().eq([""; 0]));
    }

    #[test]
    fn every_name_of_this_machine_is_loopback() {
        for host in ["localhost", "LOCALHOST", "a.localhost", "127.0.0.1", "127.9.9.9", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["10.0.0.1", "localhost.example", "example", "[::2]", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn the_host_of_an_address_has_no_user_and_no_port() {
        for (address, expected) in [
            ("http://u:p@h.example:1/v1?key=secret#x", Some("h.example")),
            ("https://h", Some("h")),
            ("http://[::1]:8080/v1", Some("::1")),
            ("http://evil.example\\@127.0.0.1/", Some("evil.example")),
            ("h:1", None),
        ] {
            assert_eq!(host_of(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn an_address_is_shown_without_user_and_query() {
        for (address, expected) in [
            ("http://u:p@h:1/v1?key=secret#x", "http://h:1/v1"),
            ("https://h?key=secret", "https://h"),
            ("https://h/a@b", "https://h/a@b"),
            ("http://u:p@x@h/", "http://h/"),
            ("http://u:p@h:99999999/x", "h:99999999/x"),
            ("/login?next=secret", "/login"),
        ] {
            assert_eq!(displayed_url(address), expected);
        }
    }
}
