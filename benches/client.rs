//! The overhead of our client: encoding, routing, pricing and parsing, compared with a bare HTTP
//! client that sends the same bytes to the same server and reads the response.
//!
//! `cargo bench -p az-benches --bench client` prints it. The server is a separate process, so that
//! its work is not counted.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a bench that fails may fall over, and it prints"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use az_ai::chat::{ChatEvent, ChatRequest, Message, ToolDefinition};
use az_ai::client::LlmClient;
use az_ai::config::RoutingRule;
use az_ai::key::ApiKey;
use az_ai::pricing::{PriceBook, PricedClient};
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_ai::provider::openai::OpenAi;
use az_ai::provider::{Endpoint, WireClient};
use az_ai::resolver::{ModelResolver, Models, Requirements, RoutingQuery};
use az_ai::routing::{RoutingEngine, RuleRouter};
use az_core::clock::SystemClock;
use futures_util::StreamExt;
use nix::sys::resource::{UsageWho, getrusage};
use serde_json::json;

/// The requests of a measurement, and the number of measurements of each kind, which alternate.
const REQUESTS: usize = 2000;
const ROUNDS: usize = 7;
const TEXT: &str = "Write a function that says whether a number is prime, and test it.";

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.iter().any(|arg| arg == "--test") {
        return;
    }
    if args.iter().any(|arg| arg == SERVE) {
        return serve();
    }
    let (mut server, url) = start();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        whole(&url).await;
        routing(&url);
        first_token(&url).await;
    });
    server.kill().unwrap();
    server.wait().unwrap();
}

/// The CPU time of complete requests, alternately with our client and the bare one.
async fn whole(url: &str) {
    let (router, bare, body) = (router(url), bare(), body());
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = cpu();
        for _ in 0..REQUESTS {
            let request = request();
            let route = router.candidates(&query()).unwrap();
            let model = &route.first().unwrap().model;
            let request = ChatRequest { model: model.model.clone(), ..request };
            assert!(model.client.estimate_cost(&request).max_cost.is_some());
            let reply = model.client.complete(&request).await.unwrap();
            assert!(reply.cost.is_some());
        }
        ours.push(each(cpu() - begun));
        let begun = cpu();
        for _ in 0..REQUESTS {
            let post = bare.post(format!("{url}/chat/completions")).body(body.clone());
            let post = post.header("content-type", "application/json").bearer_auth("key");
            assert!(!post.send().await.unwrap().bytes().await.unwrap().is_empty());
        }
        floor.push(each(cpu() - begun));
    }
    let (ours, floor) = (median(ours), median(floor));
    println!(
        "a request, CPU           {:>9.4} ms   bare {floor:.4} ms, ours adds {:.4} ms   (bar: 0.10 ms)",
        ours,
        ours - floor,
    );
}

/// A decision by five rules.
fn routing(url: &str) {
    let router = router(url);
    let times = (0..ROUNDS).map(|_| {
        let begun = Instant::now();
        for _ in 0..REQUESTS {
            assert!(router.route(&query()).is_ok());
        }
        each(begun.elapsed()) * 1000.0
    });
    println!("a routing decision       {:>9.2} µs   (bar: 5 µs)", median(times.collect()));
}

/// The time to the first piece of a stream, alternately with our client and the bare one.
async fn first_token(url: &str) {
    let (client, bare) = (client(url), bare());
    let body = String::from_utf8(body()).unwrap();
    let streamed = format!("{},\"stream\":true}}", body.trim_end_matches('}'));
    let (mut ours, mut floor) = (Vec::new(), Vec::new());
    for _ in 0..REQUESTS / 2 {
        let begun = Instant::now();
        let mut stream = client.stream(&request());
        while let Some(event) = stream.next().await {
            if matches!(event.unwrap(), ChatEvent::TextDelta { .. }) {
                break;
            }
        }
        ours.push(begun.elapsed().as_secs_f64() * 1e3);
        while stream.next().await.is_some() {}
        let begun = Instant::now();
        let post = bare.post(format!("{url}/chat/completions")).body(streamed.clone());
        let mut answer = post.header("content-type", "application/json").send().await.unwrap();
        answer.chunk().await.unwrap().expect("a first piece");
        floor.push(begun.elapsed().as_secs_f64() * 1e3);
        while answer.chunk().await.unwrap().is_some() {}
    }
    let slowest = ours.iter().copied().fold(0.0, f64::max);
    let steps = ours.iter().filter(|millis| (38.0..60.0).contains(*millis)).count();
    let (ours, floor) = (median(ours), median(floor));
    println!(
        "first token after        {ours:>9.3} ms   bare {floor:.3} ms, ours adds {:.3} ms   (bar: 0.3 ms)",
        ours - floor
    );
    println!("  the slowest            {slowest:>9.3} ms   {steps} of about 40 ms   (bar: none)");
    assert_eq!(steps, 0, "a 40 ms step: TCP_NODELAY is missing somewhere");
}

fn client(url: &str) -> PricedClient {
    let endpoint = Endpoint::new("openai", url).with_api_key(ApiKey::new("key-of-the-bench"));
    let http = HttpClient::new(&HttpOptions::default()).unwrap();
    let client = WireClient::new(endpoint, OpenAi::default(), http).unwrap();
    PricedClient::new(Arc::new(client), PriceBook::bundled(), "openai", Arc::new(SystemClock))
}

fn router(url: &str) -> RuleRouter {
    let client: Arc<dyn LlmClient> = Arc::new(client(url));
    let names = ["deepseek", "gemini", "claude", "gpt4"];
    let models =
        names.iter().fold(Models::new("gpt4", Arc::clone(&client), MODEL), |table, name| {
            table.with(*name, Arc::clone(&client), MODEL)
        });
    let rules = [
        ("tokens < 500", "deepseek"),
        ("complexity == 'code' and tokens < 2000", "gemini"),
        ("complexity == 'reasoning' and tokens < 1000", "claude"),
        ("tokens >= 2000", "gpt4"),
        ("fallback", "deepseek"),
    ];
    let rules = rules.map(|(condition, provider)| RoutingRule::new(condition, provider));
    let names = names.map(str::to_owned).to_vec();
    let router = RuleRouter::new(Arc::new(models), names, "gpt4", Arc::new(SystemClock));
    router.with_rules(rules.to_vec()).unwrap()
}

/// Runs the server in this process.
const SERVE: &str = "--serve";
const MODEL: &str = "gpt-5.4-mini";

fn query() -> RoutingQuery<'static> {
    let requirements = Requirements { tools: true, ..Requirements::default() };
    RoutingQuery::new(TEXT).with_request_tokens(1500).with_requirements(requirements)
}

fn request() -> ChatRequest {
    let tools = (0..5).map(|i| ToolDefinition::new(format!("filesystem.tool{i}"), "Reads a file of the workspace, as text.", json!({"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]})));
    let messages = vec![Message::system("You are at work."), Message::user(TEXT)];
    ChatRequest::new(MODEL, messages).with_tools(tools.collect::<Vec<_>>())
}

/// Returns the bytes that our client sends, for the bare client.
fn body() -> Vec<u8> {
    use az_ai::provider::wire::{Delivery, Wire};
    let request = request();
    let names = az_ai::provider::tool_names::ToolNames::new(
        request.tools.iter().map(|tool| tool.name.as_str()),
    );
    OpenAi::default().call(&request, Delivery::Whole, &names).body.to_string().into_bytes()
}

fn bare() -> reqwest::Client {
    reqwest::Client::builder().tcp_nodelay(true).no_proxy().build().unwrap()
}

fn cpu() -> Duration {
    let used = getrusage(UsageWho::RUSAGE_SELF).unwrap();
    let time = |part: nix::sys::time::TimeVal| {
        Duration::new(part.tv_sec().cast_unsigned(), 1000 * u32::try_from(part.tv_usec()).unwrap())
    };
    time(used.user_time()) + time(used.system_time())
}

fn each(all: Duration) -> f64 {
    all.as_secs_f64() * 1e3 / REQUESTS as f64
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap()
}

fn start() -> (Child, String) {
    let mut server = Command::new(std::env::current_exe().unwrap());
    let mut server = server.arg(SERVE).stdout(Stdio::piped()).spawn().expect("the server");
    let mut port = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut port).unwrap();
    (server, format!("http://127.0.0.1:{}/v1", port.trim()))
}

/// Sends the same reply to every request, complete or streamed as requested, until the process
/// ends.
fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("{}", listener.local_addr().unwrap().port());
    for connection in listener.incoming() {
        let connection = connection.unwrap();
        std::thread::spawn(move || answer(connection));
    }
}

fn answer(mut connection: TcpStream) {
    connection.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(connection.try_clone().unwrap());
    let usage = json!({"prompt_tokens": 300, "completion_tokens": 40, "total_tokens": 340});
    let said = "It is a loop up to the square root. ".repeat(6);
    let whole = json!({"id": "r", "model": MODEL, "usage": usage, "choices": [
        {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}]});
    let whole = whole.to_string();
    let chunk = |json: serde_json::Value| {
        let line = format!("data: {json}\n\n");
        format!("{:x}\r\n{line}\r\n", line.len())
    };
    let delta = |text: &str| chunk(json!({"choices": [{"index": 0, "delta": {"content": text}}]}));
    let last = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    let done = "data: [DONE]\n\n";
    let rest = format!("{}{:x}\r\n{done}\r\n0\r\n\r\n", chunk(last), done.len());
    loop {
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let streamed = String::from_utf8_lossy(&body).contains("\"stream\":true");
        if streamed {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                        transfer-encoding: chunked\r\n\r\n";
            write!(connection, "{head}{}", delta("It ")).unwrap();
            for word in said.split_inclusive(' ').take(20) {
                write!(connection, "{}", delta(word)).unwrap();
            }
            write!(connection, "{rest}").unwrap();
        } else {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
            write!(connection, "{head}content-length: {}\r\n\r\n{whole}", whole.len()).unwrap();
        }
    }
}
