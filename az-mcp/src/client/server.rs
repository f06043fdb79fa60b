//! The client of one server, which is started when it is first needed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::connection::Connection;
use super::contract::{ClientCall, McpClient};
use super::definition::digest_of;
use super::error::ClientError;
use super::listing::Listing;
use super::options::{Era, ServerOptions};
use super::start::open;
use crate::schema::{WireResult, WireTool};

/// The longest wait between two starts of a server that keeps failing.
const LONGEST_BREAK: Duration = Duration::from_secs(60);

/// The client of one server.
///
/// The server is started, or connected to, at the first request. If it ends, the next request starts it
/// again: at once after a first failure, and then after breaks that double up to a minute, until a call
/// succeeds. On drop, a program is killed with what it has started; [`close`](Self::close) lets it end by
/// itself.
#[derive(Debug)]
pub struct ServerClient {
    options: ServerOptions,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    open: Option<Arc<Connection>>,
    /// The era that the server was of.
    era: Era,
    /// The failures since the last call that succeeded.
    failures: u32,
    /// When it may be started again.
    not_before: Option<Instant>,
}

impl ServerClient {
    /// Creates a client, which starts nothing yet.
    pub fn new(options: ServerOptions) -> Self {
        Self { options, state: Mutex::default() }
    }

    /// Sets the era that the server was of when it was last used, so that it need not be found out. If it
    /// is of another one now, that is found out nevertheless.
    #[must_use]
    pub fn with_known_era(mut self, era: Era) -> Self {
        self.state.get_mut().era = era;
        self
    }

    /// Returns the name of the server.
    pub fn name(&self) -> &str {
        &self.options.name
    }

    /// Returns the tools with what the server says about itself, and which tools are left out.
    ///
    /// # Errors
    ///
    /// Those of [`McpClient::list_tools`].
    pub async fn listing(&self) -> Result<Arc<Listing>, ClientError> {
        let connection = self.connection().await?;
        let listed = connection.tools().await;
        self.note(&connection, &listed).await;
        listed
    }

    /// Ends the connection, and lets a program end by itself, for a moment.
    pub async fn close(&self) {
        let open = self.state.lock().await.open.take();
        if let Some(connection) = open {
            connection.close().await;
        }
    }

    /// Returns the open connection, or opens one.
    pub(super) async fn connection(&self) -> Result<Arc<Connection>, ClientError> {
        let mut state = self.state.lock().await;
        if let Some(connection) = state.open.as_ref().filter(|open| !open.is_closed()) {
            return Ok(Arc::clone(connection));
        }
        state.open = None;
        let unavailable =
            |reason| ClientError::Unavailable { server: self.options.name.clone(), reason };
        let wait = state.not_before.and_then(|at| at.checked_duration_since(Instant::now()));
        if let Some(wait) = wait.filter(|wait| !wait.is_zero()) {
            let (times, seconds) = (state.failures, wait.as_secs() + 1);
            let reason = format!("it failed {times} times; it is started again in {seconds} s");
            return Err(unavailable(reason));
        }
        match open(&self.options, state.era).await {
            Ok(connection) => {
                state.era = connection.identity().era;
                let connection = Arc::new(connection);
                state.open = Some(Arc::clone(&connection));
                Ok(connection)
            }
            Err(reason) => {
                state.failed();
                Err(unavailable(reason))
            }
        }
    }

    /// Notes how a request ended: a connection that was lost is not used again.
    pub(super) async fn note<T>(
        &self,
        connection: &Arc<Connection>,
        ended: &Result<T, ClientError>,
    ) {
        let mut state = self.state.lock().await;
        match ended {
            Ok(_) => (state.failures, state.not_before) = (0, None),
            Err(ClientError::Lost { .. }) => {
                let is_this = |open: &Arc<Connection>| Arc::ptr_eq(open, connection);
                // Others may have noted it already.
                if state.open.as_ref().is_some_and(is_this) {
                    state.open = None;
                    state.failed();
                }
            }
            Err(_) => {}
        }
    }

    /// Checks that the server has the tool of a call, in the definition that the call is for.
    async fn check(&self, connection: &Connection, call: &ClientCall) -> Result<(), ClientError> {
        let listing = connection.tools().await?;
        let (server, tool) = (self.options.name.clone(), call.tool.clone());
        let Some(definition) = listing.find(&call.tool) else {
            return Err(ClientError::NoSuchTool { server, tool });
        };
        match call.pin.as_ref().is_some_and(|pin| *pin != digest_of(definition)) {
            true => Err(ClientError::Changed { server, tool }),
            false => Ok(()),
        }
    }

    /// Prepares a call, of which nothing is sent yet: whatever fails, its outcome is known.
    async fn prepare(&self, call: &ClientCall) -> Result<Arc<Connection>, ClientError> {
        let connection = self.connection().await?;
        let checked = self.check(&connection, call).await;
        self.note(&connection, &checked).await;
        match checked {
            Ok(()) => Ok(connection),
            Err(error) if error.is_unknown() => Err(ClientError::Unavailable {
                server: self.options.name.clone(),
                reason: error.to_string(),
            }),
            Err(error) => Err(error),
        }
    }
}

impl State {
    fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
        let exponent = self.failures.saturating_sub(2).min(10);
        let wait = Duration::from_secs(1 << exponent).min(LONGEST_BREAK);
        self.not_before = (self.failures > 1).then(|| Instant::now() + wait);
    }
}

#[async_trait]
impl McpClient for ServerClient {
    async fn call(&self, call: ClientCall) -> Result<WireResult, ClientError> {
        let connection = tokio::select! {
            biased;
            () = call.cancel.cancelled() => {
                return Err(ClientError::Cancelled { server: self.options.name.clone() });
            }
            connection = self.prepare(&call) => connection?,
        };
        let result = connection.call(&call).await;
        self.note(&connection, &result).await;
        result
    }

    async fn list_tools(&self) -> Result<Vec<WireTool>, ClientError> {
        Ok(self.listing().await?.tools.clone())
    }
}
