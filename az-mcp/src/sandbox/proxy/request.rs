//! Reads the head of a request to the proxy.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::host::HostPattern;

/// A request to the proxy.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request {
    /// The name of the host, as [`HostPattern::normal_name`] returns it.
    pub(super) host: String,
    pub(super) port: u16,
    /// The password of the proxy.
    pub(super) credential: Option<String>,
    /// What is sent to the host first; `None` for a tunnel.
    pub(super) head: Option<String>,
}

/// Why a request is refused, with the status of the response.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) u16, pub(super) String);

fn bad(what: &str) -> Refusal {
    Refusal(400, what.to_owned())
}

impl Request {
    /// Reads a head, which ends with an empty line.
    pub(super) fn parse(head: &str) -> Result<Self, Refusal> {
        // A line break or a NUL that only one side takes for the end of a line could hide a field.
        let lines = head.strip_suffix("\r\n\r\n").ok_or_else(|| bad("the head has no end"))?;
        let mut lines = lines.split("\r\n");
        if head.replace("\r\n", "").contains(['\r', '\n', '\0']) {
            return Err(bad("the head has control characters"));
        }
        let line = lines.next().unwrap_or_default();
        let mut words = line.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(bad("the first line is invalid"));
        };
        if !["HTTP/1.0", "HTTP/1.1"].contains(&version) {
            return Err(bad("the version is not HTTP/1.1"));
        }
        let mut credential = None;
        let mut kept = String::new();
        for line in lines {
            let (name, value) = line.split_once(':').ok_or_else(|| bad("a field has no name"))?;
            match name.to_ascii_lowercase().as_str() {
                "proxy-authorization" => credential = password(value.trim()),
                // Only requests without a body are passed on.
                "content-length" if value.trim() != "0" => return Err(bad("it has a body")),
                "transfer-encoding" | "upgrade" => return Err(bad("it has a body or an upgrade")),
                "host" | "connection" | "keep-alive" | "proxy-connection" | "content-length" => {}
                _ => kept.push_str(&format!("{line}\r\n")),
            }
        }
        if method == "CONNECT" {
            let (host, port) = authority(target, None)?;
            return Ok(Self { host, port, credential, head: None });
        }
        if !["GET", "HEAD"].contains(&method) {
            return Err(Refusal(405, "only GET, HEAD and CONNECT are passed on".to_owned()));
        }
        let rest =
            target.strip_prefix("http://").ok_or_else(|| bad("the address is not http://"))?;
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (place, path) = rest.split_at(end);
        let (host, port) = authority(place, Some(80))?;
        let slash = if path.starts_with('/') { "" } else { "/" };
        let place = if port == 80 { host.clone() } else { format!("{host}:{port}") };
        let head = format!(
            "{method} {slash}{path} HTTP/1.1\r\nHost: {place}\r\n{kept}Connection: close\r\n\r\n"
        );
        Ok(Self { host, port, credential, head: Some(head) })
    }
}

/// Reads a host and its port.
fn authority(text: &str, usual: Option<u16>) -> Result<(String, u16), Refusal> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (host, port.parse().ok())
        }
        Some(_) => return Err(bad("the port is invalid")),
        None => (text, usual),
    };
    let host = HostPattern::normal_name(host).ok_or_else(|| bad("the host is not a name"))?;
    Ok((host, port.filter(|port| *port > 0).ok_or_else(|| bad("the port is invalid"))?))
}

/// Returns the password of a credential of the scheme `Basic`.
fn password(value: &str) -> Option<String> {
    let (scheme, encoded) = value.split_once(' ')?;
    let decoded =
        STANDARD.decode(encoded.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    Some(String::from_utf8(decoded).ok()?.split_once(':')?.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tunnel_and_a_plain_request_are_read() {
        let tunnel = "CONNECT Example.org:443 HTTP/1.1\r\nHost: other\r\nProxy-Authorization: Basic \
                      YXo6c2VjcmV0\r\n\r\n";
        let expect = Request {
            host: "example.org".to_owned(),
            port: 443,
            credential: Some("secret".to_owned()),
            head: None,
        };
        assert_eq!(Request::parse(tunnel), Ok(expect));
        let plain = "GET http://example.org/a?b HTTP/1.1\r\nHost: evil.net\r\nAccept: */*\r\n\
                     Proxy-Connection: keep-alive\r\n\r\n";
        let head =
            "GET /a?b HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\nConnection: close\r\n\r\n";
        let expect = Request {
            host: "example.org".to_owned(),
            port: 80,
            credential: None,
            head: Some(head.to_owned()),
        };
        assert_eq!(Request::parse(plain), Ok(expect));
    }

    #[test]
    fn a_request_that_could_be_read_in_two_ways_is_refused() {
        for head in [
            "",
            "GET\r\n\r\n",
            "GET http://a.org/ HTTP/1.1 x\r\n\r\n",
            "GET http://a.org/ HTTP/2\r\n\r\n",
            "GET /path HTTP/1.1\r\nHost: a.org\r\n\r\n",
            "GET https://a.org/ HTTP/1.1\r\n\r\n",
            "GET http://a.org@evil.net/ HTTP/1.1\r\n\r\n",
            "GET http://a.org:80@evil.net/ HTTP/1.1\r\n\r\n",
            "GET http://a.org\\evil.net/ HTTP/1.1\r\n\r\n",
            "GET http://a.org%2eevil.net/ HTTP/1.1\r\n\r\n",
            "GET http://[::1]/ HTTP/1.1\r\n\r\n",
            "GET http://a.org/ HTTP/1.1\r\nX: 1\nHost: evil.net\r\n\r\n",
            "GET http://a.org/ HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
            "GET http://a.org/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "POST http://a.org/ HTTP/1.1\r\n\r\n",
            "CONNECT a.org HTTP/1.1\r\n\r\n",
            "CONNECT a.org:0 HTTP/1.1\r\n\r\n",
            "CONNECT a.org:443:1 HTTP/1.1\r\n\r\n",
            "CONNECT a.org:x HTTP/1.1\r\n\r\n",
        ] {
            assert!(Request::parse(head).is_err(), "{head:?}");
        }
    }
}
