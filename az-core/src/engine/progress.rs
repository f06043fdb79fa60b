//! Forwards the progress of running calls to the event sink.

use std::convert::Infallible;
use std::time::Duration;

use super::event::RunEventKind;
use super::run::Emitter;
use crate::id::CallId;
use crate::tool::ProgressReceiver;

/// The shortest time between two events of one call. A command that prints without pause must not
/// flood the sink.
const INTERVAL: Duration = Duration::from_millis(100);

/// Emits the progress of one call. Never returns; the caller drops it when the call has ended.
#[expect(clippy::disallowed_methods, reason = "the interval is real time")]
pub(super) async fn forward(
    mut receiver: ProgressReceiver,
    emitter: Emitter,
    call: CallId,
    tool: String,
) -> Infallible {
    while let Some(progress) = receiver.next().await {
        let (call, tool) = (call.clone(), tool.clone());
        emitter.emit(RunEventKind::ToolProgress { call, tool, progress });
        tokio::time::sleep(INTERVAL).await;
    }
    std::future::pending().await
}
