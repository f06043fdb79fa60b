//! Tests of `web.fetch` on the port to an HTTP client.
#![cfg(feature = "web-tools")]
#![expect(clippy::unwrap_used, reason = "a failed test is the right outcome")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use az_core::policy::PolicyDecision;
use az_core::testing::toolbox::{Example, ExpectedOutcome, ToolboxFixture};
use az_core::testing::{Capabilities, Fixture, sample};
use az_core::tool::{Access, EffectClass, Invocation, ToolOutput, ToolScope, Toolbox};
use az_mcp::ToolRegistry;
use az_mcp::builtin::web::{WebClient, WebFetchTool, WebResponse};
use az_mcp::policy::{Rule, RuleAction, RuleFile, RulePolicy};
use serde_json::json;
use url::Url;

/// Has pages by path, and keeps the addresses that were asked for.
#[derive(Debug, Default)]
struct Pages {
    pages: BTreeMap<String, WebResponse>,
    asked: Mutex<Vec<String>>,
}

#[async_trait]
impl WebClient for Pages {
    async fn get(&self, url: &Url) -> Result<WebResponse, String> {
        self.asked.lock().unwrap().push(url.to_string());
        if url.host_str() == Some("down.web.test") {
            return Err("connection refused".to_owned());
        }
        match self.pages.get(url.path()) {
            Some(page) => Ok(page.clone()),
            // A path without a page never gets a response.
            None => std::future::pending().await,
        }
    }
}

/// The tool, and the pages that it can fetch.
struct Web {
    pages: Arc<Pages>,
    tools: Arc<ToolRegistry>,
}

impl Web {
    fn new(pages: impl IntoIterator<Item = (&'static str, WebResponse)>) -> Self {
        let pages = pages.into_iter().map(|(path, page)| (path.to_owned(), page)).collect();
        let pages = Arc::new(Pages { pages, ..Pages::default() });
        let hosts = ["*.web.test", "*.web.test:8443"].map(|host| host.parse().unwrap());
        let mut tools = ToolRegistry::new();
        tools.add(WebFetchTool::new(hosts.to_vec(), Arc::<Pages>::clone(&pages))).unwrap();
        Self { pages, tools: Arc::new(tools) }
    }

    fn call(url: &str) -> Invocation {
        Invocation::bare("web.fetch", json!({"url": url})).unwrap()
    }

    async fn fetch(&self, url: &str) -> ToolOutput {
        self.tools.call(Self::call(url)).await.unwrap()
    }

    fn asked(&self) -> Vec<String> {
        self.pages.asked.lock().unwrap().clone()
    }
}

fn page(status: u16, content_type: &str, body: impl AsRef<[u8]>) -> WebResponse {
    let (content_type, body) = (content_type.to_owned(), body.as_ref().to_vec());
    WebResponse { status, content_type, body, ..WebResponse::default() }
}

fn moved(to: &str) -> WebResponse {
    WebResponse { location: Some(to.to_owned()), ..page(302, "text/html", "moved") }
}

#[tokio::test]
async fn a_page_is_returned_as_text() {
    let html = "<title>T</title><p>Hello <a href=/c>there</a>";
    let web = Web::new([("/a", page(200, "text/html; charset=utf-8", html))]);
    let output = web.fetch("https://Pages.Web.test/a?b=1#part").await;
    let expected = "https://pages.web.test/a?b=1 (200, text/html)\n\n# T\n\nHello there \
                    (https://pages.web.test/c)";
    assert_eq!((output.ok, &*output.text()), (true, expected));
    assert_eq!(web.asked(), ["https://pages.web.test/a?b=1"]);
}

#[tokio::test]
async fn other_text_is_returned_as_it_is_and_other_content_is_named() {
    for (page, ok, expected) in [
        (page(200, "application/json", r#"{"a": "<b>"}"#), true, "\n\n{\"a\": \"<b>\"}"),
        (page(200, "text/plain; charset=iso-8859-1", b"caf\xe9"), true, "\n\ncafé"),
        (page(200, "image/png", b"\x89PNG"), false, "\n[not text: 4 bytes are left out]"),
        (page(404, "text/plain", "no such page"), false, "\n\nno such page"),
    ] {
        let kind = page.content_type.split(';').next().unwrap().to_owned();
        let status = page.status;
        let output = Web::new([("/", page)]).fetch("https://a.web.test/").await;
        let expected = format!("https://a.web.test/ ({status}, {kind}){expected}");
        assert_eq!((output.ok, output.text().into_owned()), (ok, expected));
    }
    let output = Web::new([]).fetch("https://down.web.test/").await;
    let expected = "https://down.web.test/: connection refused";
    assert_eq!((output.ok, &*output.text()), (false, expected));
}

#[tokio::test]
async fn redirections_are_followed_on_their_host_and_port_only() {
    let web = Web::new([
        ("/start", moved("/middle")),
        ("/middle", moved("https://pages.web.test/end")),
        ("/end", page(200, "text/plain", "arrived")),
        ("/loop", moved("/loop")),
    ]);
    let arrived = "https://pages.web.test/end (200, text/plain)\n\narrived";
    assert_eq!(web.fetch("https://pages.web.test/start").await.text(), arrived);
    // From HTTP to HTTPS on the same host.
    assert_eq!(web.fetch("http://pages.web.test/middle").await.text(), arrived);
    let expected = "https://pages.web.test/loop: more than 5 redirections";
    assert_eq!(web.fetch("https://pages.web.test/loop").await.text(), expected);

    for to in [
        "https://other.web.test/",
        "https://web.test/",
        "https://pages.web.test:8443/",
        "http://pages.web.test/",
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1/",
    ] {
        let web = Web::new([("/", moved(to))]);
        let output = web.fetch("https://pages.web.test/").await;
        let expected = format!(
            "https://pages.web.test/ redirects to {to}, which is at another host or not secure; call \
             web.fetch with that address if it is the right one"
        );
        assert_eq!((output.ok, output.text().into_owned()), (false, expected));
        assert_eq!(web.asked().len(), 1, "{to} was followed");
    }
    let output = Web::new([("/", moved("file:///etc/passwd"))]).fetch("https://a.web.test/").await;
    let expected = "https://a.web.test/ redirects to \"file:///etc/passwd\", which must begin with \
                    https:// or http://";
    assert_eq!((output.ok, &*output.text()), (false, expected));
}

#[tokio::test]
async fn what_is_too_large_is_cut_and_what_takes_too_long_ends() {
    let cut = WebResponse { is_cut: true, ..page(200, "text/plain", "x") };
    let long = page(200, "text/plain", "é".repeat(200_000));
    let web = Web::new([("/cut", cut), ("/long", long)]);
    let output = web.fetch("https://a.web.test/cut").await;
    assert!(output.text().ends_with("\n[the page is longer: only its first 4 MiB were read]"));
    let output = web.fetch("https://a.web.test/long").await;
    assert!(output.text().ends_with("é\n[137856 bytes of text are left out]"));

    let silent = Web::call("https://a.web.test/silent");
    let call = silent.clone().with_timeout(Some(Duration::from_millis(1)));
    let output = web.tools.call(call).await.unwrap();
    assert!(!output.ok && output.text().contains("timed out after 0.001 s"), "{}", output.text());
    silent.cancel.cancel();
    assert!(!web.tools.call(silent).await.unwrap().ok);
}

#[tokio::test]
async fn a_page_of_links_is_cut_where_its_text_is_too_long() {
    let web = Web::new([("/", page(200, "text/html", "<a href>y</a>".repeat(300_000)))]);
    let url = format!("https://a.web.test/?{}", "x".repeat(2_000));
    let output = web.fetch(&url).await;
    let text = "y (".len() + url.len() + ")".len();
    let (limit, links) = (256 << 10, (256_usize << 10).div_ceil(text));
    let (omitted, unread) = (links * text - limit, (300_000 - links) * "<a href>y</a>".len());
    let expected = format!(
        "{url} (200, text/html)\n\n{}\n[{omitted} bytes of text are left out]\n\
         [{unread} bytes of HTML are left out]",
        &format!("y ({url})").repeat(links)[..limit]
    );
    assert!(output.text() == expected, "{}", &output.text()[limit..]);
}

#[test]
fn a_call_ends_in_time_while_its_page_becomes_text() {
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        // The only thread that the page could be read by is in use.
        let (free, is_free) = std::sync::mpsc::channel::<()>();
        let in_use = tokio::task::spawn_blocking(move || is_free.recv());
        let web = Web::new([("/", page(200, "text/html", "<p>x"))]);
        let call = Web::call("https://a.web.test/").with_timeout(Some(Duration::from_millis(1)));
        let output = web.tools.call(call).await.unwrap();
        assert!(output.text().contains("timed out after 0.001 s"), "{}", output.text());
        let call = Web::call("https://a.web.test/");
        let cancel = async { call.cancel.cancel() };
        let (output, ()) = tokio::join!(web.tools.call(call.clone()), cancel);
        assert!(!output.unwrap().ok);
        drop(free);
        in_use.await.unwrap().unwrap_err();
        assert!(web.fetch("https://a.web.test/").await.ok);
    });
}

#[tokio::test]
async fn only_allowed_hosts_are_fetched_and_policies_decide_by_host() {
    let web = Web::new([]);
    for (url, reason) in [
        ("http://example.org/", "is not at a host that may be fetched"),
        ("http://web.test/", "is not at a host that may be fetched"),
        ("http://a.web.test:22/", "is not at a host that may be fetched"),
        ("http://127.0.0.1/", "is not at a host that may be fetched"),
        ("http://user:key@a.web.test/", "must not contain a user or a password"),
        ("ftp://a.web.test/", "must begin with https:// or http://"),
        ("a.web.test", "must be an address such as https://example.org/"),
    ] {
        let error = web.tools.prepare(Web::call(url)).unwrap_err().to_string();
        assert!(error.contains(reason), "{url}: {error}");
    }
    let url = "https://A.Web.test/?b=c";
    let call = web.tools.prepare(Web::call(url)).unwrap();
    assert_eq!(call.effect, EffectClass::Read);
    assert_eq!(call.accesses, [Access::Host { name: "a.web.test".to_owned() }]);
    let specs = web.tools.specs();
    let spec = &specs[0];
    assert_eq!(spec.scope, ToolScope::Network);
    let task = sample::task("t", 0);
    let decide = |rules: Vec<Rule>, url: &str| {
        let call = web.tools.prepare(Web::call(url)).unwrap();
        RulePolicy::new(vec![RuleFile(rules)]).explain(&task, spec, &call).decision
    };
    let other = "https://b.web.test/";
    let asked = PolicyDecision::ask("it can send data to other machines");
    assert_eq!(decide(vec![], url), asked);
    let host = || Rule::new(RuleAction::Allow, "az.toml:1").with_host("a.web.test");
    assert_eq!(decide(vec![host()], url), PolicyDecision::Allow);
    assert_eq!(decide(vec![host()], other), asked);
    // "Always" is for the host, and not for the others.
    let always = || Rule::allowing(&call, "az.toml:1");
    assert_eq!(decide(vec![always()], "http://a.web.test/x"), PolicyDecision::Allow);
    assert_eq!(decide(vec![always()], other), asked);
}

/// Checks `Tool` 4. The tool, on which the kit of toolboxes runs.
struct Fetching(Web);

impl Fetching {
    fn new() -> Self {
        Self(Web::new([("/", page(200, "text/html", "x"))]))
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
        let example = |url: &str, comes_to| Example::new(Web::call(url), comes_to);
        let mistyped = Invocation::bare("web.fetch", json!({"url": 1})).unwrap();
        vec![
            example("https://a.web.test/", ExpectedOutcome::Done),
            example("https://down.web.test/", ExpectedOutcome::Failed),
            example("https://a.web.test/silent", ExpectedOutcome::Endless),
            example("https://example.org/", ExpectedOutcome::Invalid),
            Example::new(mistyped, ExpectedOutcome::Invalid),
        ]
    }
}

mod fetching {
    az_core::toolbox_conformance! { make: super::Fetching::new, skips: ["background_processes_live_until_their_task_ends", "a_model_replaces_nothing_that_it_has_not_seen"] }
}
