//! Finds model servers on this machine.

use std::time::Duration;

use az_ai::error::Error;
use az_ai::provider::http::{HttpClient, HttpOptions};
use az_ai::provider::listing::ListedModel;
use az_ai::provider::openai::OpenAi;
use az_ai::provider::{Endpoint, WireClient};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::loading::LoadingWait;

/// The default ports of Ollama, LM Studio, llama.cpp and vLLM.
pub(crate) const PORTS: [u16; 4] = [11434, 1234, 8080, 8000];

/// How long a connection to the loopback interface may take.
const CONNECT: Duration = Duration::from_millis(50);

/// How long a server may take to list its models.
const ANSWER: Duration = Duration::from_millis(500);

/// A server that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalServer {
    /// Its address, with `/v1`.
    pub(crate) base_url: String,
    /// Its models.
    pub(crate) models: Vec<ListedModel>,
}

impl LocalServer {
    /// Returns the first model that chats.
    pub(super) fn first_model(&self) -> Option<&str> {
        self.models.iter().find(|model| model.chats).map(|model| model.name.as_str())
    }
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LocalAnswer {
    Ready(LocalServer),
    /// It is still loading its model. Contains its address.
    Loading(String),
}

/// Probes all ports concurrently; returns what the servers answer, in the order of the ports.
pub(crate) async fn probe_all() -> Vec<LocalAnswer> {
    let mut probes = JoinSet::new();
    for (rank, port) in PORTS.into_iter().enumerate() {
        probes.spawn(async move { probe(port).await.map(|server| (rank, server)) });
    }
    let mut found: Vec<_> = probes.join_all().await.into_iter().flatten().collect();
    found.sort_by_key(|(rank, _)| *rank);
    found.into_iter().map(|(_, server)| server).collect()
}

/// Returns the first server, in the order of the ports, that offers a model that chats, else the first
/// that offers a model. If none does, a server that is loading its model is waited for.
///
/// # Errors
///
/// The error of a server that is still loading its model when the wait is over.
pub(super) async fn find(wait: &LoadingWait) -> Result<Option<LocalServer>, Error> {
    let (mut ready, mut loading) = (Vec::new(), Vec::new());
    for server in probe_all().await {
        match server {
            LocalAnswer::Ready(server) => ready.push(server),
            LocalAnswer::Loading(base_url) => loading.push(base_url),
        }
    }
    let chats = ready.iter().position(|server| server.first_model().is_some());
    if let Some(server) = chats.map(|at| ready.swap_remove(at)) {
        return Ok(Some(server));
    }
    let Some(base_url) = loading.into_iter().next() else {
        return Ok(ready.into_iter().next());
    };
    let models = wait.models(&client(&base_url)?, &base_url).await?;
    Ok(Some(LocalServer { base_url, models }))
}

async fn probe(port: u16) -> Option<LocalAnswer> {
    // Most often no server listens; then no HTTP client has to be created.
    timeout(CONNECT, TcpStream::connect(("127.0.0.1", port))).await.ok()?.ok()?;
    let base_url = format!("http://127.0.0.1:{port}/v1");
    let models = timeout(ANSWER, client(&base_url).ok()?.models()).await.ok()?;
    match models {
        Ok(models) if models.is_empty() => None,
        Ok(models) => Some(LocalAnswer::Ready(LocalServer { base_url, models })),
        Err(error) if error.is_loading().is_some() => Some(LocalAnswer::Loading(base_url)),
        Err(_) => None,
    }
}

fn client(base_url: &str) -> Result<WireClient, Error> {
    let http = HttpClient::new(&HttpOptions::default())?;
    WireClient::new(Endpoint::new("local", base_url), OpenAi::default(), http)
}
