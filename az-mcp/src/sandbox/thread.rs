//! Runs work on a thread of its own.

use std::io;

use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Runs blocking work on a new thread, which ends with it, within the current Tokio runtime.
///
/// Restrictions that the work places on its thread hold for the processes that it starts, and for
/// nothing else.
pub(super) async fn on_own_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> io::Result<T> {
    let runtime = Handle::current();
    let (sender, receiver) = oneshot::channel();
    std::thread::Builder::new().name("az-sandbox".to_owned()).spawn(move || {
        let _entered = runtime.enter();
        // If the caller is gone, the result is dropped, and with it the process.
        sender.send(work()).ok();
    })?;
    receiver.await.map_err(|_| io::Error::other("the thread ended without a result"))
}
