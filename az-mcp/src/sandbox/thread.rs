//! Starts commands on a thread of their own.

use std::io;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::{SandboxError, SandboxedChild};

/// Starts a command on a new thread within the current Tokio runtime, and does the rest on it once
/// the command is passed on. The thread ends with it.
///
/// Restrictions that are placed on the thread hold for the processes that it starts, and for
/// nothing else.
pub(super) async fn on_own_thread<Rest: FnOnce()>(
    start: impl FnOnce() -> Result<(SandboxedChild, Rest), SandboxError> + Send + 'static,
) -> Result<SandboxedChild, SandboxError> {
    let runtime = Handle::current();
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name("az-sandbox".to_owned()).spawn(move || {
        let _entered = runtime.enter();
        let (started, rest) = match start() {
            Ok((child, rest)) => (Ok(child), Some(rest)),
            Err(error) => (Err(error), None),
        };
        // The caller may be gone. Dropping the child would kill only the process of the sandbox,
        // and not the command that it has started.
        if let Err(Ok(child)) = sender.send(started) {
            child.kill();
        }
        if let Some(rest) = rest {
            rest();
        }
    })?;
    receiver.await.map_err(|_| io::Error::other("the thread ended without a result"))?
}
