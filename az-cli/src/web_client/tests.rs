//! The client against a server on the loopback interface, which an address check takes for the Internet.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use az_ai::provider::network::Network;
use az_mcp::builtin::web::{LARGEST_BODY, WebClient, WebResponse};
use az_mcp::sandbox::{AddressCheck, PublicAddresses, Resolver};
use reqwest::Url;

use super::CheckedClient;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Gives every name the address of the loopback interface, and some another one.
#[derive(Debug, Default)]
struct Names {
    asked: AtomicUsize,
}

#[async_trait]
impl Resolver for Names {
    async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let private: IpAddr = "10.0.0.1".parse().unwrap();
        Ok(match name {
            "private.test" => vec![private],
            "metadata.test" => vec!["169.254.169.254".parse().unwrap()],
            "mapped.test" => vec!["::ffff:192.168.0.1".parse().unwrap()],
            "mixed.test" => vec![LOOPBACK, private],
            "rebinding.test" if asked > 0 => vec![private],
            "unknown.test" => return Err(io::Error::other("there is no such host")),
            _ => vec![LOOPBACK],
        })
    }
}

/// Takes the loopback address for one of the Internet.
#[derive(Debug)]
struct LoopbackIsPublic;

impl AddressCheck for LoopbackIsPublic {
    fn allows(&self, address: IpAddr) -> bool {
        address == LOOPBACK || PublicAddresses.allows(address)
    }
}

/// A server that gives one response to all requests, whose heads it keeps.
struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(response: Vec<u8>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let mut client = client.unwrap();
                let head = BufReader::new(&client).lines().map(Result::unwrap);
                let head: Vec<_> = head.take_while(|line| !line.is_empty()).collect();
                seen.lock().unwrap().push(head.join("\n"));
                // The client may have read enough.
                client.write_all(&response).ok();
            }
        });
        Self { port, requests }
    }

    fn url(&self, host: &str) -> Url {
        format!("http://{host}:{}/a?b=1", self.port).parse().unwrap()
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn client() -> CheckedClient {
    client_of(LoopbackIsPublic, Network::default())
}

fn client_of(check: impl AddressCheck, network: Network) -> CheckedClient {
    CheckedClient::new(Arc::new(Names::default()), Arc::new(check), network)
}

fn response(head: &str, body: &[u8]) -> Vec<u8> {
    [format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n").as_bytes(), body].concat()
}

/// Checks `WebClient` 1. Also by names that have a private address among others, by names that have one when
/// they are looked up again, and by addresses themselves.
#[tokio::test]
async fn no_private_address_is_connected_to() {
    let server = Server::start(response("200 OK", b"x"));
    let client = client();
    for (host, address) in [
        ("private.test", "10.0.0.1"),
        ("metadata.test", "169.254.169.254"),
        ("mapped.test", "::ffff:192.168.0.1"),
        ("mixed.test", "10.0.0.1"),
    ] {
        let refused = client.get(&server.url(host)).await.unwrap_err();
        let expected =
            format!("{host} has the address {address}, which is not of the public Internet");
        assert_eq!(refused, expected);
    }
    let unknown = client.get(&server.url("unknown.test")).await.unwrap_err();
    assert_eq!(unknown, "there is no such host");
    for host in ["10.0.0.1", "0xa9fea9fe", "[::1]", "[::ffff:127.0.0.1]"] {
        let refused = client.get(&server.url(host)).await.unwrap_err();
        assert_eq!(refused, "this is not an address of the public Internet", "{host}");
    }
    let strict = client_of(PublicAddresses, Network::default());
    for host in ["pages.test", "127.0.0.1", "0x7f.1", "2130706433"] {
        assert!(strict.get(&server.url(host)).await.is_err(), "{host}");
    }
    assert_eq!(server.requests(), [""; 0]);

    let rebinding = client_of(LoopbackIsPublic, Network::default());
    assert!(rebinding.get(&server.url("rebinding.test")).await.is_ok());
    assert!(rebinding.get(&server.url("rebinding.test")).await.is_err());
    assert_eq!(server.requests().len(), 1);
}

/// Checks `WebClient` 2 and 3.
#[tokio::test]
async fn one_request_is_sent_without_credentials_and_a_redirection_is_returned() {
    let head = "302 Found\r\nLocation: /b\r\nSet-Cookie: a=b\r\nContent-Type: text/plain";
    let server = Server::start(response(head, b"moved"));
    let client = client();
    let expected = WebResponse {
        status: 302,
        content_type: "text/plain".to_owned(),
        location: Some("/b".to_owned()),
        body: b"moved".to_vec(),
        is_cut: false,
    };
    for _ in 0..2 {
        assert_eq!(client.get(&server.url("pages.test")).await, Ok(expected.clone()));
    }
    let requests = server.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    for request in requests {
        let request = request.to_ascii_lowercase();
        assert!(request.starts_with("get /a?b=1 http/1.1\n"), "{request}");
        assert!(request.contains(&format!("host: pages.test:{}", server.port)), "{request}");
        for absent in ["cookie", "authorization", "referer", "proxy"] {
            assert!(!request.contains(absent), "{request}");
        }
    }
}

/// Checks `WebClient` 1.
#[tokio::test]
async fn a_proxy_may_have_any_address_and_what_is_reached_without_it_is_checked() {
    let proxy = Server::start(response("200 OK", b"x"));
    let url = |address: &str| address.parse::<Url>().unwrap();
    for host in ["127.0.0.1", "proxy.test"] {
        let network = Network::default()
            .with_http_proxy(format!("http://{host}:{}", proxy.port), "network.proxy")
            .without_proxy_for("private.test");
        let client = client_of(PublicAddresses, network);
        assert_eq!(client.get(&url("http://pages.test/a")).await.unwrap().body, b"x");
        for refused in ["http://10.0.0.1/", "http://127.0.0.1/", "http://private.test/"] {
            let reason = client.get(&url(refused)).await.unwrap_err();
            assert!(reason.contains("address"), "{refused}: {reason}");
        }
        assert!(client.get(&url(&format!("http://{host}/"))).await.is_err(), "the proxy itself");
    }
    let requests = proxy.requests();
    assert_eq!(requests.len(), 2, "{requests:?}");
    assert!(requests.iter().all(|request| request.starts_with("GET http://pages.test/a HTTP/1.1")));
}

#[tokio::test]
async fn a_network_that_is_set_up_wrongly_is_named() {
    let network = Network::default().with_ca("x", "network.ca_file");
    let (client, url) = (client_of(PublicAddresses, network), "https://x.test/".parse().unwrap());
    let expected = "the network is not set up: network.ca_file contains no certificate in PEM";
    assert_eq!(client.get(&url).await.unwrap_err(), expected);
}

/// Checks `WebClient` 4.
#[tokio::test]
async fn a_large_body_is_cut() {
    let body = vec![b'x'; LARGEST_BODY + 1];
    for (size, is_cut) in [(LARGEST_BODY, false), (LARGEST_BODY + 1, true)] {
        let server = Server::start(response("200 OK", &body[..size]));
        let got = client().get(&server.url("pages.test")).await.unwrap();
        assert_eq!((got.body.len(), got.is_cut), (LARGEST_BODY, is_cut));
    }
}
