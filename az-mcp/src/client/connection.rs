//! One connection to a server.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use az_core::CancellationToken;
use az_core::text::json_size;
use az_core::tool::ProgressSender;
use rmcp::model::{
    CallToolRequest, CallToolRequestParams, ClientRequest, ErrorCode, InputRequest, InputRequests,
    InputResponses, ListToolsRequest, PaginatedRequestParams, ProtocolVersion, ServerResult,
    SubscriptionFilter,
};
use rmcp::service::RunningService;
use rmcp::{RoleClient, ServiceError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::contract::ClientCall;
use super::error::ClientError;
use super::handler::{Handler, Routes};
use super::limits::Limits;
use super::listing::{Listing, ServerIdentity};
use super::options::Era;
use super::process::ServerProcess;
use super::reader::ReadReport;
use super::request::{NoAnswer, Waiting, send};
use super::shown::without_hidden;
use crate::schema::WireResult;

/// The largest list of tools, in bytes of JSON.
const LARGEST_LISTING: u64 = 8 << 20;
/// The most questions to a person in one call.
const MOST_QUESTIONS: usize = 8;

/// An open connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) server: String,
    pub(super) limits: Limits,
    service: RunningService<RoleClient, Handler>,
    process: Mutex<Option<ServerProcess>>,
    report: ReadReport,
    listing: Mutex<Option<Arc<Listing>>>,
    subscription: Option<JoinHandle<()>>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(subscription) = &self.subscription {
            subscription.abort();
        }
    }
}

impl Connection {
    pub(super) fn new(
        (server, limits): (&str, Limits),
        service: RunningService<RoleClient, Handler>,
        process: Option<ServerProcess>,
        report: ReadReport,
    ) -> Self {
        let mut connection = Self {
            server: server.to_owned(),
            limits,
            service,
            process: Mutex::new(process),
            report,
            listing: Mutex::default(),
            subscription: None,
        };
        connection.subscription = connection.subscribe();
        connection
    }

    /// Asks a server of the modern era to say when its tools change; others do so unasked.
    fn subscribe(&self) -> Option<JoinHandle<()>> {
        let info = self.service.peer_info()?;
        let says_it = info.capabilities.tools.as_ref()?.list_changed == Some(true);
        if !says_it || self.identity().era != Era::Modern {
            return None;
        }
        let peer = self.service.peer().clone();
        let is_changed = Arc::clone(&self.service.service().is_changed);
        Some(tokio::spawn(async move {
            let filter = SubscriptionFilter::builder().tools_list_changed().build();
            let Ok(mut subscription) = peer.listen(filter).await else { return };
            while let Ok(Some(_)) = subscription.next().await {
                is_changed.store(true, Ordering::SeqCst);
            }
        }))
    }

    /// Returns what the server says about itself.
    pub(super) fn identity(&self) -> ServerIdentity {
        let Some(info) = self.service.peer_info() else { return ServerIdentity::default() };
        let is_modern = info.protocol_version == ProtocolVersion::V_2026_07_28;
        let (name, version) = info
            .server_info
            .as_ref()
            .map(|server| (server.name.clone(), server.version.clone()))
            .unwrap_or_default();
        ServerIdentity {
            name,
            version,
            protocol: info.protocol_version.to_string(),
            era: if is_modern { Era::Modern } else { Era::Legacy },
            instructions: info.instructions.clone(),
        }
    }

    /// Whether the connection has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.service.is_closed() || self.service.is_transport_closed()
    }

    /// Ends the connection and the program; waits a moment for it to end by itself.
    pub(super) async fn close(&self) {
        self.service.cancellation_token().cancel();
        if let Some(process) = self.process.lock().await.take() {
            process.end().await;
        }
    }

    /// Returns the tools, which are asked for when they are first needed, and again when the server says
    /// that they have changed.
    pub(super) async fn tools(&self) -> Result<Arc<Listing>, ClientError> {
        let mut known = self.listing.lock().await;
        // Read before the list is asked for, so that no change is missed.
        let is_changed = self.service.service().is_changed.swap(false, Ordering::SeqCst);
        if let (Some(listing), false) = (&*known, is_changed) {
            return Ok(Arc::clone(listing));
        }
        *known = None;
        let listing = Arc::new(self.list().await?);
        Ok(Arc::clone(known.insert(listing)))
    }

    /// Asks for all pages of the list of tools, as far as the limits go.
    async fn list(&self) -> Result<Listing, ClientError> {
        let mut listing = Listing::new(self.identity());
        let (mut cursor, mut bytes, begun) = (None, 0_u64, Instant::now());
        for _ in 0..self.limits.pages {
            if begun.elapsed() > self.limits.silence {
                return Err(self.error_of(NoAnswer::TimedOut(self.limits.silence)).await);
            }
            let params = PaginatedRequestParams::default().with_cursor(cursor.take());
            let request = ClientRequest::ListToolsRequest(ListToolsRequest::with_param(params));
            let page = match self.ask(request).await {
                Ok(ServerResult::ListToolsResult(page)) => page,
                Ok(_) => return Err(self.invalid("the list of tools is none")),
                Err(ClientError::Refused { code, .. }) if code == ErrorCode::METHOD_NOT_FOUND.0 => {
                    return Ok(listing);
                }
                Err(error) => return Err(error),
            };
            for tool in page.tools {
                bytes = bytes.saturating_add(json_size(&tool));
                if bytes > LARGEST_LISTING {
                    let most = LARGEST_LISTING;
                    return Err(
                        self.invalid(&format!("its list of tools has more than {most} bytes"))
                    );
                }
                listing.add(self.converted(&tool)?, &self.limits);
            }
            cursor = page.next_cursor;
            if cursor.is_none() || listing.left_out.len() >= self.limits.items {
                return Ok(listing);
            }
        }
        let pages = self.limits.pages;
        tracing::info!(server = %self.server, "its list of tools has more than {pages} pages");
        Ok(listing)
    }

    /// Calls a tool; answers the questions that the server asks before it has the result.
    pub(super) async fn call(&self, call: &ClientCall) -> Result<WireResult, ClientError> {
        let mut params =
            CallToolRequestParams::new(call.tool.clone()).with_arguments(call.arguments.clone());
        let waiting = Waiting {
            silence: call.timeout.unwrap_or(self.limits.silence),
            total: self.limits.total,
            cancel: call.cancel.clone(),
            progress: call.progress.clone(),
        };
        for _ in 0..self.limits.rounds {
            let request = ClientRequest::CallToolRequest(CallToolRequest::new(params.clone()));
            match self.send(request, &waiting).await? {
                ServerResult::CallToolResult(result) => return self.converted(&result),
                ServerResult::InputRequiredResult(result) => {
                    let asked = result.input_requests.unwrap_or_default();
                    let answers = tokio::select! {
                        answers = self.answers(asked) => answers,
                        () = call.cancel.cancelled() => {
                            return Err(self.error_of(NoAnswer::Cancelled).await);
                        }
                    };
                    params.input_responses = (!answers.is_empty()).then_some(answers);
                    params.request_state = result.request_state;
                }
                // A result without content.
                ServerResult::EmptyResult(_) | ServerResult::TaskAckResult(_) => {
                    return Ok(WireResult::default());
                }
                _ => return Err(self.invalid("it is no result of a tool")),
            }
        }
        let rounds = self.limits.rounds;
        Err(self.invalid(&format!("it asked for more input {rounds} times")))
    }

    /// Answers what a server of the modern era asks before it has a result.
    async fn answers(&self, requests: InputRequests) -> InputResponses {
        let mut answers = BTreeMap::new();
        for (key, request) in requests.into_iter().take(MOST_QUESTIONS) {
            let answer = match request {
                InputRequest::ListRoots(_) => {
                    serde_json::to_value(self.service.service().root_list())
                }
                InputRequest::Elicitation(request) => {
                    serde_json::to_value(self.service.service().elicit(request.params).await)
                }
                // Completions of a model are not offered, and hence not asked for by an honest server.
                _ => Ok(json!({"action": "decline"})),
            };
            answers.extend(answer.ok().map(|answer| (key, answer)));
        }
        answers
    }

    /// Sends a request of the client itself.
    pub(super) async fn ask(&self, request: ClientRequest) -> Result<ServerResult, ClientError> {
        let Limits { silence, total, .. } = self.limits;
        let (cancel, progress) = (CancellationToken::new(), ProgressSender::disconnected());
        self.send(request, &Waiting { silence, total, cancel, progress }).await
    }

    async fn send(
        &self,
        request: ClientRequest,
        waiting: &Waiting,
    ) -> Result<ServerResult, ClientError> {
        let routes: &Routes = &self.service.service().routes;
        match send(self.service.peer(), routes, request, waiting).await {
            Ok(result) => Ok(result),
            Err(reason) => Err(self.error_of(reason).await),
        }
    }

    async fn error_of(&self, reason: NoAnswer) -> ClientError {
        let server = self.server.clone();
        match reason {
            NoAnswer::Cancelled => ClientError::Cancelled { server },
            NoAnswer::TimedOut(limit) => ClientError::TimedOut { server, limit },
            NoAnswer::Service(ServiceError::McpError(error)) => {
                let message = az_core::text::one_line(&without_hidden(&error.message), 500);
                ClientError::Refused { server, code: error.code.0, message }
            }
            NoAnswer::Service(ServiceError::TransportSend(error)) => {
                // The connection is of no use any more.
                self.service.cancellation_token().cancel();
                ClientError::Lost { server, reason: super::start::chain(&*error.error) }
            }
            NoAnswer::Service(ServiceError::TransportClosed) => {
                ClientError::Lost { server, reason: self.ending().await }
            }
            NoAnswer::Service(other) => ClientError::Invalid { server, reason: other.to_string() },
        }
    }

    /// Says why the connection ended.
    async fn ending(&self) -> String {
        let ended = match &mut *self.process.lock().await {
            Some(process) => process.ending().await,
            None => "it was closed".to_owned(),
        };
        match self.report.fault() {
            Some(reason) => format!("{reason}; {ended}"),
            None => ended,
        }
    }

    /// Converts a value of the protocol, which has the same JSON.
    pub(super) fn converted<T: DeserializeOwned>(
        &self,
        value: &impl Serialize,
    ) -> Result<T, ClientError> {
        let converted = serde_json::to_value(value).and_then(serde_json::from_value);
        converted.map_err(|error| self.invalid(&error.to_string()))
    }

    pub(super) fn invalid(&self, reason: &str) -> ClientError {
        ClientError::Invalid { server: self.server.clone(), reason: reason.to_owned() }
    }
}
