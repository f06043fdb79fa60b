//! The proxy server.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use az_core::TaskId;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy, copy_bidirectional};
use tokio::net::{TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::request::{Refusal, Request};
use super::{AddressCheck, Resolver};
use crate::host::HostPattern;

/// The longest head of a request.
const LONGEST_HEAD: usize = 16 << 10;
/// The most connections of all commands at a time.
const MOST_CONNECTIONS: usize = 64;

/// How long to wait after a connection could not be accepted.
const RETRY: Duration = Duration::from_millis(50);

/// How long a request may take to arrive, and a host to answer a connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// A proxy on a socket in the file system that connects commands to hosts of a list.
///
/// A name is resolved once, and its addresses are checked before one is connected to: a name of an
/// allowed host cannot lead to this machine or to a private network. What is inside of a tunnel is
/// not read: an allowed host can pass data on.
#[derive(Debug)]
pub struct EgressProxy {
    path: PathBuf,
    state: Arc<State>,
    server: AbortHandle,
}

#[derive(Debug)]
struct State {
    hosts: Vec<HostPattern>,
    resolver: Arc<dyn Resolver>,
    check: Arc<dyn AddressCheck>,
    /// The tasks by the credentials of their commands.
    granted: Mutex<HashMap<String, TaskId>>,
}

impl EgressProxy {
    /// Starts a proxy on a socket at this path, within the current Tokio runtime. A file that is
    /// there is replaced.
    ///
    /// # Errors
    ///
    /// That of the file system.
    pub fn start(
        path: impl Into<PathBuf>,
        hosts: Vec<HostPattern>,
        resolver: Arc<dyn Resolver>,
        check: Arc<dyn AddressCheck>,
    ) -> io::Result<Self> {
        let path = path.into();
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = UnixListener::bind(&path)?;
        let state = Arc::new(State { hosts, resolver, check, granted: Mutex::default() });
        let server = tokio::spawn(serve(listener, Arc::clone(&state))).abort_handle();
        Ok(Self { path, state, server })
    }

    /// Returns the path of the socket.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns a new credential for a command of a task.
    pub fn grant(&self, task: &TaskId) -> String {
        // The keys of hash maps are the standard library's only source of randomness.
        let random = || RandomState::new().hash_one(task.as_str());
        let credential = format!("{:016x}{:016x}", random(), random());
        self.granted().insert(credential.clone(), task.clone());
        credential
    }

    /// Makes the credentials of a task invalid.
    pub fn revoke(&self, task: &TaskId) {
        self.granted().retain(|_, of| of != task);
    }

    fn granted(&self) -> std::sync::MutexGuard<'_, HashMap<String, TaskId>> {
        self.state.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for EgressProxy {
    fn drop(&mut self) {
        self.server.abort();
        std::fs::remove_file(&self.path).ok();
    }
}

#[expect(clippy::disallowed_methods, reason = "descriptors become free in real time")]
async fn serve(listener: UnixListener, state: Arc<State>) {
    // The descriptors of the process are also those of the store and of other commands.
    let free = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let Ok(permit) = Arc::clone(&free).acquire_owned().await else { return };
        let Ok((client, _)) = listener.accept().await else {
            // Without a descriptor, for example; the connection stays in the queue.
            tokio::time::sleep(RETRY).await;
            continue;
        };
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            // A connection that breaks concerns its two ends only.
            answer(client, &state).await.ok();
            drop(permit);
        });
    }
}

async fn answer(mut client: UnixStream, state: &State) -> io::Result<()> {
    match timeout(PATIENCE, connect(&mut client, state)).await? {
        Ok((mut host, Some(head))) => {
            host.write_all(head.as_bytes()).await?;
            copy(&mut host, &mut client).await.map(drop)
        }
        Ok((mut host, None)) => {
            client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
            copy_bidirectional(&mut client, &mut host).await.map(drop)
        }
        Err(Refusal(status, why)) => {
            let text = format!("az: {why}\n");
            let length = text.len();
            let response = format!(
                "HTTP/1.1 {status} Refused\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\n\
                 Connection: close\r\n\r\n{text}"
            );
            client.write_all(response.as_bytes()).await
        }
    }
}

/// Reads a request, and connects to its host; returns what to send to it first.
async fn connect(
    client: &mut UnixStream,
    state: &State,
) -> Result<(TcpStream, Option<String>), Refusal> {
    let request = Request::parse(&read_head(client).await?)?;
    let granted = {
        let granted = state.granted.lock().unwrap_or_else(PoisonError::into_inner);
        request.credential.is_some_and(|credential| granted.contains_key(&credential))
    };
    if !granted {
        return Err(Refusal(407, "the credential of the proxy is missing or invalid".to_owned()));
    }
    let (host, port) = (&request.host, request.port);
    if !state.hosts.iter().any(|pattern| pattern.matches(host, port)) {
        let why = format!("{host}:{port} is not in sandbox.hosts of the configuration");
        return Err(Refusal(403, why));
    }
    let addresses = state.resolver.resolve(host).await;
    let addresses = addresses.map_err(|error| Refusal(502, format!("{host}: {error}")))?;
    let mut last = format!("{host} has no address");
    for address in addresses {
        if !state.check.allows(address) {
            let why = format!("{host} has the address {address}, which is not of the Internet");
            return Err(Refusal(403, why));
        }
        match TcpStream::connect(SocketAddr::new(address, port)).await {
            Ok(stream) => return Ok((stream, request.head)),
            Err(error) => last = format!("{host}: {error}"),
        }
    }
    Err(Refusal(502, last))
}

/// Reads up to the empty line at the end of a head, byte by byte: what follows belongs to the host.
async fn read_head(client: &mut UnixStream) -> Result<String, Refusal> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= LONGEST_HEAD {
            return Err(Refusal(431, "the head of the request is too long".to_owned()));
        }
        let byte = client.read_u8().await;
        head.push(byte.map_err(|error| Refusal(400, error.to_string()))?);
    }
    String::from_utf8(head).map_err(|_| Refusal(400, "the head is not UTF-8".to_owned()))
}
