//! The address of a page.

use url::Url;

use crate::sandbox::HostPattern;

/// The longest address, in bytes. Longer ones are rarely pages, and carry data.
const LONGEST: usize = 2_048;

/// The address of a page on a host with a name, or with an IPv4 address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) url: Url,
    /// The host in lower case. An IPv4 address is in its usual form, however it was written.
    pub(super) host: String,
    port: u16,
}

impl Target {
    /// Parses an address.
    ///
    /// # Errors
    ///
    /// The reason why it is not fetched.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let url = Url::parse(text.trim()).map_err(|error| {
            format!("must be an address such as https://example.org/ ({error})")
        })?;
        Self::of(url)
    }

    /// Returns the address that a redirection leads to.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub(super) fn join(&self, location: &str) -> Result<Self, String> {
        let url = self.url.join(location).map_err(|error| format!("is invalid ({error})"))?;
        Self::of(url)
    }

    fn of(mut url: Url) -> Result<Self, String> {
        if !["http", "https"].contains(&url.scheme()) {
            return Err("must begin with https:// or http://".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not contain a user or a password".to_owned());
        }
        url.set_fragment(None);
        if url.as_str().len() > LONGEST {
            return Err(format!("must have at most {LONGEST} bytes"));
        }
        let host = url.host_str().and_then(HostPattern::normal_name);
        let host = host.ok_or("must name a host, and not by an address of IPv6")?;
        let port = url.port_or_known_default().ok_or("must have a port")?;
        Ok(Self { url, host, port })
    }

    /// Whether one of these patterns means the host.
    pub(super) fn is_of(&self, hosts: &[HostPattern]) -> bool {
        hosts.iter().any(|pattern| pattern.matches(&self.host, self.port))
    }

    /// Whether a redirection stays on the host and port, or changes from HTTP to HTTPS on it.
    pub(super) fn stays_at(&self, next: &Self) -> bool {
        let scheme = |of: &Self| of.url.scheme().to_owned();
        let is_same = scheme(self) == scheme(next) && self.port == next.port;
        let is_secured = (self.port, next.port) == (80, 443) && scheme(next) == "https";
        self.host == next.host && (is_same || is_secured)
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn addresses_that_are_not_pages_of_a_host_are_refused() {
        for text in [
            "",
            "example.org",
            "file:///etc/passwd",
            "ftp://example.org/",
            "data:text/plain,x",
            "https://user@example.org/",
            "https://user:key@example.org/",
            "https://[::1]/",
            "https://[2606:4700::1111]/",
            "https://exa mple.org/",
            "http://example.org:99999/",
            &format!("https://example.org/{}", "x".repeat(2_048)),
        ] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hosts_are_named_in_one_way_however_they_are_written() {
        for (text, host) in [
            ("https://Example.ORG./a#part", "example.org"),
            ("http://0x7f.1/", "127.0.0.1"),
            ("http://2130706433/", "127.0.0.1"),
            ("http://017700000001/", "127.0.0.1"),
            ("https://bücher.example/", "xn--bcher-kva.example"),
            ("https://ｅxample.org/", "example.org"),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!(target.host, host, "{text}");
            assert_eq!(target.url.fragment(), None);
        }
    }

    #[test]
    fn a_redirection_stays_at_a_host_if_name_port_and_scheme_do() {
        let stays = |from: &str, to: &str| {
            let from = Target::parse(from).unwrap();
            from.stays_at(&from.join(to).unwrap())
        };
        assert!(stays("https://a.org/x", "/y"));
        assert!(stays("http://a.org/x", "https://a.org/x"));
        assert!(stays("https://a.org:8443/x", "//a.org:8443/"));
        assert!(!stays("https://a.org/x", "http://a.org/x"));
        assert!(!stays("https://a.org/x", "https://b.org/x"));
        assert!(!stays("https://a.org/x", "https://www.a.org/x"));
        assert!(!stays("https://a.org/x", "https://a.org:8443/x"));
        assert!(!stays("http://a.org:8080/x", "https://a.org/x"));
    }
}
