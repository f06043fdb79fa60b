//! Finds model servers on this machine.

use std::time::Duration;

use az_ai::error::Error;
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_ai::provider::openai::OpenAi;
use az_ai::provider::{Endpoint, WireClient};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

/// The default ports of Ollama, LM Studio, llama.cpp and vLLM.
const PORTS: [u16; 4] = [11434, 1234, 8080, 8000];

/// How long a connection to the loopback interface may take.
const CONNECT: Duration = Duration::from_millis(50);

/// How long a server may take to list its models; one that is still loading is skipped.
const ANSWER: Duration = Duration::from_millis(500);

/// A server that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LocalServer {
    /// Its address, with `/v1`.
    pub(super) base_url: String,
    /// Its models.
    pub(super) models: Vec<String>,
}

/// Probes all ports concurrently; returns the first server, in their order, that offers a model.
pub(super) async fn find() -> Option<LocalServer> {
    let mut probes = JoinSet::new();
    for (rank, port) in PORTS.into_iter().enumerate() {
        probes.spawn(async move { probe(port).await.map(|server| (rank, server)) });
    }
    let found = probes.join_all().await.into_iter().flatten();
    found.min_by_key(|(rank, _)| *rank).map(|(_, server)| server)
}

async fn probe(port: u16) -> Option<LocalServer> {
    // Most often no server listens; then no HTTP client has to be created.
    timeout(CONNECT, TcpStream::connect(("127.0.0.1", port))).await.ok()?.ok()?;
    let base_url = format!("http://127.0.0.1:{port}/v1");
    let models = timeout(ANSWER, models_of(&base_url)).await.ok()?.ok()?;
    (!models.is_empty()).then_some(LocalServer { base_url, models })
}

/// Lists a server's models.
async fn models_of(base_url: &str) -> Result<Vec<String>, Error> {
    let http = HttpClient::new(&HttpOptions::default())?;
    WireClient::new(Endpoint::new("local", base_url), OpenAi::default(), http)?.models().await
}
