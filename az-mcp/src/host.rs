//! The hosts that commands, or `web.fetch`, may connect to, and the names of hosts in rules.

use std::fmt;
use std::str::FromStr;

/// A host, or all hosts below a domain, with a port: `example.org`, `*.example.org`,
/// `example.org:8443`. Without a port, 80 and 443 are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    name: String,
    below: bool,
    port: Option<u16>,
}

/// The ports of a pattern without one.
const USUAL_PORTS: [u16; 2] = [80, 443];

impl HostPattern {
    /// Returns whether a host and port are meant. The name has to be normal, as
    /// [`normal_name`](Self::normal_name) returns it.
    pub fn matches(&self, name: &str, port: u16) -> bool {
        let is_port = self.port.map_or_else(|| USUAL_PORTS.contains(&port), |own| own == port);
        let is_name = match name.strip_suffix(self.name.as_str()) {
            Some("") => !self.below,
            Some(front) => self.below && front.len() > 1 && front.ends_with('.'),
            None => false,
        };
        is_port && is_name
    }

    /// Returns a name of a host in lower case and without the dot at its end; `None` for what is not one.
    pub fn normal_name(name: &str) -> Option<String> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let is_label = |label: &str| {
            let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
            (1..=63).contains(&label.len()) && label.chars().all(inner)
        };
        (name.len() <= 253 && name.split('.').all(is_label)).then_some(name)
    }
}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!("{text:?} is no host; use a name such as \"example.org\" or \"*.example.org\"")
        };
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| wrong())?)),
            None => (text, None),
        };
        let (below, name) = host.strip_prefix("*.").map_or((false, host), |name| (true, name));
        let name = Self::normal_name(name).ok_or_else(wrong)?;
        // `*.org` would be half of the Internet.
        if below && !name.contains('.') {
            return Err(format!("{text:?} means too many hosts; name a domain below {name:?}"));
        }
        Ok(Self { name, below, port })
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let below = if self.below { "*." } else { "" };
        write!(f, "{below}{}", self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

#[cfg(test)]
mod tests {
    use super::HostPattern;

    #[test]
    fn a_pattern_means_a_host_or_those_below_a_domain() {
        let matches =
            |pattern: &str, name, port| pattern.parse::<HostPattern>().unwrap().matches(name, port);
        assert!(matches("example.org", "example.org", 443));
        assert!(matches("Example.org.", "example.org", 80));
        assert!(matches("*.example.org", "a.b.example.org", 443));
        assert!(matches("example.org:8443", "example.org", 8443));
        for (pattern, name, port) in [
            ("example.org", "a.example.org", 443),
            ("example.org", "example.org", 22),
            ("example.org", "badexample.org", 443),
            ("example.org", "example.org.evil.net", 443),
            ("*.example.org", "example.org", 443),
            ("*.example.org", "badexample.org", 443),
            ("*.example.org", ".example.org", 443),
            ("example.org:8443", "example.org", 443),
        ] {
            assert!(!matches(pattern, name, port), "{pattern} {name} {port}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in
            ["", "*", "*.org", "a b", "a@b", "a/b", "a..b", "exa*mple.org", "a:b", "a:99999"]
        {
            assert!(text.parse::<HostPattern>().is_err(), "{text}");
        }
        for name in ["a%2eb", "a\0b", "[::1]", "a b", "é.org", "-_.-", ""] {
            assert_eq!(HostPattern::normal_name(name).is_some(), name == "-_.-", "{name}");
        }
    }
}
