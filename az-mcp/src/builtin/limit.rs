//! The end of a call before its own.

use az_core::Error;
use az_core::tool::Invocation;

/// Waits until a call is cancelled or its time limit is reached; returns which.
pub(super) async fn stopped(call: &Invocation) -> Error {
    tokio::select! {
        biased;
        () = call.cancel.cancelled() => Error::Cancelled,
        () = elapsed(call) => Error::TimedOut { after: call.timeout.unwrap_or_default() },
    }
}

/// Waits for the time limit of a call; forever if it has none.
#[expect(clippy::disallowed_methods, reason = "the timeout of a tool is real time")]
async fn elapsed(call: &Invocation) {
    match call.timeout {
        Some(limit) => tokio::time::sleep(limit).await,
        None => std::future::pending().await,
    }
}
