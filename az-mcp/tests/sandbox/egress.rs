//! Attempts to reach other hosts than the allowed ones through the proxy.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use az_core::TaskId;
use az_mcp::sandbox::{AddressCheck, EgressProxy, PublicAddresses, Resolver};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixStream};

/// Names with the addresses that they have.
#[derive(Debug, Default)]
struct Names {
    asked: AtomicUsize,
}

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(match name {
            // A name that has another address when it is asked for again.
            "rebinding.example.org" if asked % 2 == 1 => vec!["10.0.0.1".parse().unwrap()],
            "private.example.org" => vec!["192.168.0.1".parse().unwrap()],
            "metadata.example.org" => vec!["169.254.169.254".parse().unwrap()],
            "mapped.example.org" => vec!["::ffff:127.0.0.1".parse().unwrap()],
            "six.example.org" => vec![IpAddr::V6(Ipv6Addr::LOCALHOST)],
            name if name.ends_with("example.org") => vec![LOOPBACK],
            _ => return Err(io::Error::other("there is no such host")),
        })
    }
}

/// Takes the loopback address for one of the Internet: the hosts of the tests are there.
#[derive(Debug)]
struct LoopbackIsPublic;

impl AddressCheck for LoopbackIsPublic {
    fn allows(&self, address: IpAddr) -> bool {
        address == LOOPBACK || PublicAddresses.allows(address)
    }
}

/// A proxy, a host behind it, and a credential.
struct Net {
    _dir: TempDir,
    proxy: EgressProxy,
    credential: String,
    allowed: TcpListener,
    other: TcpListener,
}

impl Net {
    async fn new(check: Arc<dyn AddressCheck>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let allowed = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let other = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = allowed.local_addr().unwrap().port();
        let hosts = [format!("example.org:{port}"), format!("*.example.org:{port}")];
        let hosts = hosts.map(|host| host.parse().unwrap()).to_vec();
        let path = dir.path().join("proxy");
        let proxy = EgressProxy::start(path, hosts, Arc::new(Names::default()), check).unwrap();
        let credential = proxy.grant(&TaskId::new("t").unwrap());
        Self { _dir: dir, proxy, credential, allowed, other }
    }

    fn authorization(&self) -> String {
        STANDARD.encode(format!("az:{}", self.credential))
    }

    /// Sends a request; returns the beginning of the response.
    async fn send(&self, request: &str) -> String {
        let ports =
            [&self.allowed, &self.other].map(|it| it.local_addr().unwrap().port().to_string());
        let request = request
            .replace("{port}", &ports[0])
            .replace("{other}", &ports[1])
            .replace("{auth}", &format!("Proxy-Authorization: Basic {}\r\n", self.authorization()));
        let mut client = UnixStream::connect(self.proxy.path()).await.unwrap();
        client.write_all(request.as_bytes()).await.unwrap();
        let mut response = vec![0; 512];
        // Half a head gets no response.
        client.shutdown().await.ok();
        let read = client.read(&mut response).await.unwrap_or_default();
        String::from_utf8_lossy(&response[..read]).into_owned()
    }

    /// Returns whether a host was connected to.
    async fn reached(listener: &TcpListener) -> bool {
        // A connection that was made is in the queue already.
        tokio::select! {
            biased;
            accepted = listener.accept() => accepted.is_ok(),
            () = tokio::task::yield_now() => false,
        }
    }
}

/// Hosts in a `CONNECT` request that are not allowed or do not lead to the Internet.
const HOSTS: &[&str] = &[
    "evil.net:{port}",
    "evil.net:443",
    "example.org:{other}",
    "example.org:22",
    "example.org:443",
    "127.0.0.1:{port}",
    "127.0.0.1:{other}",
    "localhost:{port}",
    "localhost:{other}",
    "[::1]:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "0.0.0.0:{port}",
    "0:{port}",
    "127.1:{port}",
    "2130706433:{port}",
    "0x7f000001:{port}",
    "0177.0.0.1:{port}",
    "169.254.169.254:{port}",
    "10.0.0.1:{port}",
    "badexample.org:{port}",
    "example.org.evil.net:{port}",
    "example.orgevil.net:{port}",
    "xexample.org:{port}",
    ".example.org:{port}",
    "*.example.org:{port}",
    "a..example.org:{port}",
    "evil.net#.example.org:{port}",
    "evil.net/.example.org:{port}",
    "evil.net?.example.org:{port}",
    "evil.net%00.example.org:{port}",
    "evil.net%2f.example.org:{port}",
    "evil.net\\.example.org:{port}",
    "user@example.org:{port}",
    "example.org@evil.net:{port}",
    "example.org:{port}@evil.net:{other}",
    "example.org:{port}:{other}",
    "example.org:",
    "example.org",
    ":{port}",
    "example.org:+{port}",
    "example.org:-1",
    "example.org:99999999",
    "private.example.org:{port}",
    "metadata.example.org:{port}",
    "mapped.example.org:{port}",
    "six.example.org:{port}",
    "exámple.org:{port}",
    "example.org\t:{port}",
];

/// Requests of other kinds.
const REQUESTS: &[&str] = &[
    "GET http://evil.net:{port}/ HTTP/1.1\r\n{auth}\r\n",
    "GET http://evil.net/ HTTP/1.1\r\nHost: example.org:{port}\r\n{auth}\r\n",
    "GET http://example.org:{port}@evil.net:{other}/ HTTP/1.1\r\n{auth}\r\n",
    "GET http://evil.net:{other}\\@example.org:{port}/ HTTP/1.1\r\n{auth}\r\n",
    "GET https://example.org:{port}/ HTTP/1.1\r\n{auth}\r\n",
    "GET ftp://example.org:{port}/ HTTP/1.1\r\n{auth}\r\n",
    "GET /secret HTTP/1.1\r\nHost: example.org:{port}\r\n{auth}\r\n",
    "GET //example.org:{port}/ HTTP/1.1\r\n{auth}\r\n",
    "POST http://example.org:{port}/ HTTP/1.1\r\nContent-Length: 6\r\n{auth}\r\nsecret",
    "PUT http://example.org:{port}/ HTTP/1.1\r\n{auth}\r\n",
    "GET http://example.org:{port}/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n{auth}\r\n",
    "GET http://example.org:{port}/ HTTP/1.1\r\nUpgrade: websocket\r\n{auth}\r\n",
    "GET http://example.org:{port}/ HTTP/1.1\nX: 1\r\n{auth}\r\n",
    "CONNECT example.org:{port} HTTP/1.1\r\n\r\n",
    "CONNECT example.org:{port} HTTP/1.1\r\nProxy-Authorization: Basic YXo6d3Jvbmc=\r\n\r\n",
    "CONNECT example.org:{port} HTTP/1.1\r\nProxy-Authorization: Bearer x\r\n\r\n",
    "CONNECT example.org:{port} HTTP/3\r\n{auth}\r\n",
    "CONNECT example.org:{port}\r\n{auth}\r\n",
    "\u{5}\u{1}\u{0}",
];

#[tokio::test]
async fn no_attempt_reaches_a_host_that_is_not_allowed() {
    assert!(HOSTS.len() + REQUESTS.len() >= 60, "{}", HOSTS.len() + REQUESTS.len());
    let net = Net::new(Arc::new(LoopbackIsPublic)).await;
    let tunnels = HOSTS.iter().map(|host| format!("CONNECT {host} HTTP/1.1\r\n{{auth}}\r\n"));
    let requests = REQUESTS.iter().map(|request| (*request).to_owned());
    for request in tunnels.chain(requests) {
        let response = net.send(&request).await;
        let refused = response.starts_with("HTTP/1.1 4") || response.starts_with("HTTP/1.1 5");
        assert!(refused || response.is_empty(), "{request:?}: {response}");
        assert!(!Net::reached(&net.other).await, "{request:?} reached another host");
        assert!(!Net::reached(&net.allowed).await, "{request:?} reached the host");
    }
}

#[tokio::test]
async fn an_allowed_host_is_reached_by_a_tunnel_and_by_a_plain_request() {
    let net = Net::new(Arc::new(LoopbackIsPublic)).await;
    let answer = async || {
        let (mut host, _) = net.allowed.accept().await.unwrap();
        let mut request = vec![0; 512];
        let read = host.read(&mut request).await.unwrap();
        host.write_all(b"HTTP/1.1 200 OK\r\n\r\nhello").await.unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    };
    let plain = "GET http://a.example.org:{port}/x HTTP/1.1\r\nHost: evil.net\r\n{auth}\r\n";
    let (response, request) = tokio::join!(net.send(plain), answer());
    assert_eq!(response, "HTTP/1.1 200 OK\r\n\r\nhello");
    let port = net.allowed.local_addr().unwrap().port();
    assert_eq!(
        request,
        format!("GET /x HTTP/1.1\r\nHost: a.example.org:{port}\r\nConnection: close\r\n\r\n")
    );
    let tunnel = "CONNECT example.org:{port} HTTP/1.1\r\n{auth}\r\nsecret";
    let (response, request) = tokio::join!(net.send(tunnel), answer());
    assert!(response.starts_with("HTTP/1.1 200 Connection established\r\n\r\n"), "{response}");
    assert_eq!(request, "secret");
    net.proxy.revoke(&TaskId::new("t").unwrap());
    assert!(net.send(tunnel).await.starts_with("HTTP/1.1 407 "));
}

/// What `az` uses refuses the addresses to which the tests map their names.
#[tokio::test]
async fn the_addresses_of_the_tests_are_refused_in_production() {
    let net = Net::new(Arc::new(PublicAddresses)).await;
    let response = net.send("CONNECT example.org:{port} HTTP/1.1\r\n{auth}\r\n").await;
    let expect = "az: example.org has the address 127.0.0.1, which is not of the Internet\n";
    assert!(response.starts_with("HTTP/1.1 403 ") && response.ends_with(expect), "{response}");
    assert!(!Net::reached(&net.allowed).await);
}
