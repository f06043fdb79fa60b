//! Tests of `web.fetch` against servers on the loopback interface, which an address check of the tests takes
//! for the Internet.
#![cfg(feature = "web-tools")]
#![expect(clippy::unwrap_used, reason = "a failed test is the right outcome")]

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use az_core::policy::PolicyDecision;
use az_core::testing::sample;
use az_core::testing::toolbox::{Example, ExpectedOutcome, ToolboxFixture};
use az_core::testing::{Capabilities, Fixture};
use az_core::tool::{Access, EffectClass, Invocation, ToolOutput, ToolScope, Toolbox};
use az_mcp::ToolRegistry;
use az_mcp::builtin::web::{WebFetchTool, WebOptions};
use az_mcp::policy::{Rule, RuleAction, RuleFile, RulePolicy};
use az_mcp::sandbox::{AddressCheck, PublicAddresses, Resolver};
use serde_json::json;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Gives every name below `test` the address of the loopback interface, and some another one.
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
            "private.web.test" => vec![private],
            "metadata.web.test" => vec!["169.254.169.254".parse().unwrap()],
            "mapped.web.test" => vec!["::ffff:192.168.0.1".parse().unwrap()],
            "mixed.web.test" => vec![LOOPBACK, private],
            "rebinding.web.test" if asked > 0 => vec![private],
            name if name.ends_with(".web.test") => vec![LOOPBACK],
            _ => return Err(io::Error::other("there is no such host")),
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

/// A response: the head without the empty line, and the body.
type Response = (String, Vec<u8>);

/// A server with pages by path, and the heads of the requests that it got.
struct Web {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
    tools: Arc<ToolRegistry>,
}

impl Web {
    /// Starts a server; `PORT` in a response is its port.
    fn new(pages: &[(&str, &str, &[u8])]) -> Self {
        Self::with(pages, Arc::new(LoopbackIsPublic))
    }

    fn with(pages: &[(&str, &str, &[u8])], check: Arc<dyn AddressCheck>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let pages: BTreeMap<String, Response> = pages
            .iter()
            .map(|(path, head, body)| {
                let head = head.replace("PORT", &port.to_string());
                ((*path).to_owned(), (head, body.to_vec()))
            })
            .collect();
        let requests = Arc::default();
        let seen = Arc::clone(&requests);
        std::thread::spawn(move || serve(&listener, &pages, &seen));
        let hosts =
            ["*.web.test", "127.0.0.1"].map(|host| format!("{host}:{port}").parse().unwrap());
        let names = Arc::new(Names::default());
        let options = WebOptions::new(hosts.to_vec()).with_addresses(names, check);
        let mut tools = ToolRegistry::new();
        tools.add(WebFetchTool::new(options)).unwrap();
        Self { port, requests, tools: Arc::new(tools) }
    }

    fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }

    fn call(&self, url: &str) -> Invocation {
        Invocation::bare("web.fetch", json!({"url": url})).unwrap()
    }

    async fn fetch(&self, host: &str, path: &str) -> ToolOutput {
        self.tools.call(self.call(&self.url(host, path))).await.unwrap()
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(
    listener: &TcpListener,
    pages: &BTreeMap<String, Response>,
    requests: &Mutex<Vec<String>>,
) {
    let mut silent = Vec::new();
    for client in listener.incoming() {
        let mut client = client.unwrap();
        let head = BufReader::new(&client).lines().map(Result::unwrap);
        let head: Vec<_> = head.take_while(|line| !line.is_empty()).collect();
        if head.is_empty() {
            // A call that was stopped may have connected without a request.
            continue;
        }
        let path = head[0].split(' ').nth(1).unwrap().to_owned();
        requests.lock().unwrap().push(head.join("\n"));
        match pages.get(&path) {
            Some((head, body)) => {
                // The client may have read enough.
                let head = format!("HTTP/1.1 {head}\r\nConnection: close\r\n\r\n");
                client.write_all(head.as_bytes()).and_then(|()| client.write_all(body)).ok();
            }
            // A path without a page never gets a response.
            None => silent.push(client),
        }
    }
}

const HTML: &str = "200 OK\r\nContent-Type: text/html; charset=utf-8";

#[tokio::test]
async fn a_page_is_returned_as_text_and_asked_for_without_credentials() {
    let web = Web::new(&[("/a?b=1", HTML, b"<title>T</title><p>Hello <a href=/c>there</a>")]);
    let output = web.fetch("pages.web.test", "/a?b=1#part").await;
    let url = web.url("pages.web.test", "");
    let expected = format!("{url}/a?b=1 (200, text/html)\n\n# T\n\nHello there ({url}/c)");
    assert_eq!((output.ok, output.text().into_owned()), (true, expected));
    let [request] = &*web.requests() else { panic!("{:?}", web.requests()) };
    let request = request.to_ascii_lowercase();
    assert!(request.starts_with("get /a?b=1 http/1.1\n"), "{request}");
    assert!(request.contains(&format!("host: pages.web.test:{}", web.port)), "{request}");
    for absent in ["cookie", "authorization", "referer"] {
        assert!(!request.contains(absent), "{request}");
    }
}

#[tokio::test]
async fn other_text_is_returned_as_it_is_and_other_content_is_named() {
    let web = Web::new(&[
        ("/json", "200 OK\r\nContent-Type: application/json", br#"{"a": "<b>"}"#),
        ("/latin", "200 OK\r\nContent-Type: text/plain; charset=iso-8859-1", b"caf\xe9"),
        ("/png", "200 OK\r\nContent-Type: image/png", b"\x89PNG"),
        ("/missing", "404 Not Found\r\nContent-Type: text/plain", b"no such page"),
    ]);
    let text = async |path: &str| {
        let output = web.fetch("pages.web.test", path).await;
        let text = output.text().replace(&web.url("pages.web.test", ""), "");
        (output.ok, text)
    };
    let is = |ok: bool, text: &str| (ok, text.to_owned());
    assert_eq!(text("/json").await, is(true, "/json (200, application/json)\n\n{\"a\": \"<b>\"}"));
    assert_eq!(text("/latin").await, is(true, "/latin (200, text/plain)\n\ncafé"));
    let png = "/png (200, image/png)\n[not text: 4 bytes are left out]";
    assert_eq!(text("/png").await, is(false, png));
    assert_eq!(text("/missing").await, is(false, "/missing (404, text/plain)\n\nno such page"));
}

/// Also by another form of the address, by names that have such an address among others, and by names that
/// have one when they are asked for again.
#[tokio::test]
async fn no_private_address_is_connected_to() {
    let web = Web::new(&[("/", HTML, b"x")]);
    for (host, address) in [
        ("private.web.test", "10.0.0.1"),
        ("metadata.web.test", "169.254.169.254"),
        ("mapped.web.test", "::ffff:192.168.0.1"),
        ("mixed.web.test", "10.0.0.1"),
    ] {
        let output = web.fetch(host, "/").await;
        let expected = format!(
            "{}: {host} has the address {address}, which is not of the public Internet",
            web.url(host, "/")
        );
        assert_eq!((output.ok, output.text().into_owned()), (false, expected));
    }
    assert_eq!(web.requests(), [""; 0]);

    let strict = Web::with(&[("/", HTML, b"x")], Arc::new(PublicAddresses));
    for host in ["pages.web.test", "127.0.0.1", "0x7f.1", "2130706433"] {
        let output = strict.fetch(host, "/").await;
        let text = output.text();
        assert!(!output.ok && text.contains("not") && text.ends_with("the public Internet"), "{text}");
    }
    assert_eq!(strict.requests(), [""; 0]);
}

#[tokio::test]
async fn every_redirection_is_checked_again() {
    let moved = |to: &str| format!("302 Found\r\nLocation: {to}");
    let web = Web::new(&[
        ("/start", &moved("/middle"), b""),
        ("/middle", &moved("http://pages.web.test:PORT/end"), b""),
        ("/end", HTML, b"arrived"),
        ("/loop", &moved("/loop"), b""),
        ("/away", &moved("http://other.web.test:PORT/end"), b""),
        ("/private", &moved("http://169.254.169.254/latest/meta-data"), b""),
        ("/file", &moved("file:///etc/passwd"), b""),
        ("/rebinding", &moved("/end"), b""),
    ]);
    let url = |path: &str| web.url("pages.web.test", path);
    let text = async |path: &str| web.fetch("pages.web.test", path).await.text().into_owned();
    assert_eq!(text("/start").await, format!("{} (200, text/html)\n\narrived", url("/end")));
    assert_eq!(text("/loop").await, format!("{}: more than 5 redirections", url("/loop")));
    let asked = web.requests().len();
    for (path, to) in [
        ("/away", web.url("other.web.test", "/end")),
        ("/private", "http://169.254.169.254/latest/meta-data".to_owned()),
    ] {
        let expected = format!(
            "{} redirects to {to}, which is at another host or not secure; call web.fetch with that address \
             if it is the right one",
            url(path)
        );
        assert_eq!(text(path).await, expected);
    }
    let expected = format!(
        "{} redirects to \"file:///etc/passwd\", which must begin with https:// or http://",
        url("/file")
    );
    assert_eq!(text("/file").await, expected);
    assert_eq!(web.requests().len(), asked + 3, "a redirection to another host was followed");
    // The second request asks for the addresses again, and gets a private one.
    let rebinding = Web::new(&[("/rebinding", &moved("/end"), b""), ("/end", HTML, b"x")]);
    let output = rebinding.fetch("rebinding.web.test", "/rebinding").await;
    assert!(output.text().contains("rebinding.web.test has the address 10.0.0.1"), "{output:?}");
    assert_eq!(rebinding.requests().len(), 1);
}

#[tokio::test]
async fn what_is_too_large_is_cut_and_what_takes_too_long_ends() {
    let large = "text ".repeat(1 << 20);
    let web = Web::new(&[
        ("/large", "200 OK\r\nContent-Type: text/plain", large.as_bytes()),
        ("/long", "200 OK\r\nContent-Type: text/plain", "é".repeat(200_000).as_bytes()),
    ]);
    let output = web.fetch("pages.web.test", "/large").await;
    assert!(output.ok && output.text().len() < 300_000);
    assert!(output.text().contains("[the page is longer: only its first 4 MiB were read]"));
    let output = web.fetch("pages.web.test", "/long").await;
    assert!(output.text().ends_with("\n[137856 bytes of text are left out]"));

    let url = web.url("pages.web.test", "/silent");
    let call = web.call(&url).with_timeout(Some(Duration::from_millis(1)));
    let output = web.tools.call(call).await.unwrap();
    assert!(!output.ok && output.text().contains("timed out after 0.001 s"), "{}", output.text());
    let call = web.call(&url);
    call.cancel.cancel();
    assert!(!web.tools.call(call).await.unwrap().ok);
}

#[tokio::test]
async fn only_allowed_hosts_are_fetched_and_policies_decide_by_host() {
    let web = Web::new(&[]);
    for (url, reason) in [
        ("http://example.org/", "is not at a host that may be fetched"),
        ("http://pages.web.test/", "is not at a host that may be fetched"),
        ("http://user:key@pages.web.test/", "must not contain a user or a password"),
        ("ftp://pages.web.test/", "must begin with https:// or http://"),
        ("pages.web.test", "must be an address such as https://example.org/"),
    ] {
        let error = web.tools.prepare(web.call(url)).unwrap_err().to_string();
        assert!(error.contains(reason), "{url}: {error}");
    }
    let url = web.url("Pages.WEB.test", "/");
    let call = web.tools.prepare(web.call(&url)).unwrap();
    assert_eq!(call.effect, EffectClass::Read);
    assert_eq!(call.accesses, [Access::Host { name: "pages.web.test".to_owned() }]);
    let specs = web.tools.specs();
    let spec = &specs[0];
    assert_eq!(spec.scope, ToolScope::Network);
    let task = sample::task("t", 0);
    let decide = |rules: Vec<Rule>, url: &str| {
        let call = web.tools.prepare(web.call(url)).unwrap();
        RulePolicy::new(vec![RuleFile(rules)]).explain(&task, spec, &call).decision
    };
    let other = web.url("other.web.test", "/");
    let asked = PolicyDecision::ask("it can send data to other machines");
    assert_eq!(decide(vec![], &url), asked);
    let host = || Rule::new(RuleAction::Allow, "az.toml:1").with_host("pages.web.test");
    assert_eq!(decide(vec![host()], &url), PolicyDecision::Allow);
    assert_eq!(decide(vec![host()], &other), asked);
    // "Always" is for the host, and not for the others.
    let always = || Rule::allowing(&call, "az.toml:1");
    assert_eq!(decide(vec![always()], &web.url("pages.web.test", "/b?c")), PolicyDecision::Allow);
    assert_eq!(decide(vec![always()], &other), asked);
}

/// Checks `Tool` 4. The tool, on which the kit of toolboxes runs.
struct Fetching(Web);

impl Fetching {
    fn new() -> Self {
        Self(Web::new(&[("/", HTML, b"x")]))
    }
}

#[async_trait]
impl Fixture<dyn Toolbox> for Fetching {
    async fn open(&self) -> Arc<dyn Toolbox> {
        Arc::<ToolRegistry>::clone(&self.0.tools)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }
}

impl ToolboxFixture for Fetching {
    fn examples(&self) -> Vec<Example> {
        let example = |url: &str, comes_to| Example::new(self.0.call(url), comes_to);
        vec![
            example(&self.0.url("pages.web.test", "/"), ExpectedOutcome::Done),
            example(&self.0.url("private.web.test", "/"), ExpectedOutcome::Failed),
            example(&self.0.url("pages.web.test", "/silent"), ExpectedOutcome::Endless),
            example("http://example.org/", ExpectedOutcome::Invalid),
            Example::new(
                Invocation::bare("web.fetch", json!({"url": 1})).unwrap(),
                ExpectedOutcome::Invalid,
            ),
        ]
    }
}

mod fetching {
    az_core::toolbox_conformance! { make: super::Fetching::new, skips: ["background_processes_live_until_their_task_ends", "a_model_replaces_nothing_that_it_has_not_seen"] }
}
