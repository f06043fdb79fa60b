//! A request to a server: waits for its answer within the time limits, and cancels it if that is given up.

use std::sync::Arc;
use std::time::Duration;

use az_core::CancellationToken;
use az_core::tool::ProgressSender;
use rmcp::model::{ClientRequest, NumberOrString, ServerResult};
use rmcp::service::{Peer, PeerRequestOptions, RequestHandle};
use rmcp::{RoleClient, ServiceError};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::handler::{Route, Routes};

/// How long the notification of a cancellation may take.
const CANCELLING: Duration = Duration::from_secs(2);

/// How long is waited, for what, and who hears of progress.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) silence: Duration,
    pub(super) total: Duration,
    pub(super) cancel: CancellationToken,
    pub(super) progress: ProgressSender,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// The service reports an error.
    Service(ServiceError),
    /// The server was silent for too long.
    TimedOut(Duration),
    /// The caller gave up.
    Cancelled,
}

/// A request that was sent. Unless it was answered, the server is told on drop that it is cancelled.
struct Pending {
    handle: Option<RequestHandle<RoleClient>>,
    token: NumberOrString,
    routes: Routes,
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.routes.remove(&self.token);
        let (Some(handle), Ok(runtime)) =
            (self.handle.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        runtime.spawn(async move {
            let cancel = handle.cancel(Some("the client gave the request up".to_owned()));
            tokio::time::timeout(CANCELLING, cancel).await.ok();
        });
    }
}

/// Sends a request and waits for its answer.
pub(super) async fn send(
    peer: &Peer<RoleClient>,
    routes: &Routes,
    request: ClientRequest,
    waiting: &Waiting,
) -> Result<ServerResult, NoAnswer> {
    let begun = Instant::now();
    let sent = peer.send_request_with_option(request, PeerRequestOptions::no_options());
    let handle = sent.await.map_err(NoAnswer::Service)?;
    let token = handle.progress_token.0.clone();
    let heard = Arc::new(Notify::new());
    let route = Route { progress: waiting.progress.clone(), heard: Arc::clone(&heard) };
    routes.add(token.clone(), route);
    let mut pending = Pending { handle: Some(handle), token, routes: routes.clone() };
    let Some(handle) = pending.handle.as_mut() else {
        return Err(NoAnswer::Service(ServiceError::TransportClosed));
    };
    let last = begun + waiting.total;
    let mut until = (begun + waiting.silence).min(last);
    let answer = loop {
        tokio::select! {
            biased;
            answer = &mut handle.rx => break answer,
            () = waiting.cancel.cancelled() => return Err(NoAnswer::Cancelled),
            () = heard.notified() => until = (Instant::now() + waiting.silence).min(last),
            () = sleep_until(until) => {
                // A server that waits for a person is not silent.
                if !routes.is_asking() || until >= last {
                    return Err(NoAnswer::TimedOut(until - begun));
                }
                until = (Instant::now() + waiting.silence).min(last);
            }
        }
    };
    pending.handle = None;
    let closed = |_| NoAnswer::Service(ServiceError::TransportClosed);
    answer.map_err(closed)?.map_err(NoAnswer::Service)
}
