//! Starts commands on a thread of their own.

use std::io;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::{SandboxError, SandboxedChild};

/// Starts a command on a new thread within the current Tokio runtime. The thread ends with it.
///
/// Restrictions that are placed on the thread hold for the processes that it starts, and for
/// nothing else.
pub(super) async fn on_own_thread(
    start: impl FnOnce() -> Result<SandboxedChild, SandboxError> + Send + 'static,
) -> Result<SandboxedChild, SandboxError> {
    let runtime = Handle::current();
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name("az-sandbox".to_owned()).spawn(move || {
        let _entered = runtime.enter();
        // The caller may be gone. Dropping the child would kill only the process of the sandbox,
        // and not the command that it has started.
        if let Err(Ok(child)) = sender.send(start()) {
            child.kill();
        }
    })?;
    receiver.await.map_err(|_| io::Error::other("the thread ended without a result"))?
}
