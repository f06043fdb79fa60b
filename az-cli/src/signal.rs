//! The first Ctrl-C stops cleanly, the second one at once; the journal is kept either way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use az_core::engine::{Stop, StopReason};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::CliError;
use crate::output::Printer;

/// Turns the signal for a file that reaches its size limit into an error of the write.
///
/// # Errors
///
/// When the signal handler cannot be installed.
pub fn survive_file_size_limits() -> std::io::Result<()> {
    let seen = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, seen).map(drop)
}

/// Requests `stop` at the first signal; ends the process at the second.
///
/// An interrupt (Ctrl-C) requests the stop for the reason `on_interrupt`; the other signals release the
/// task, so that it can be resumed.
///
/// # Errors
///
/// When the signal handler cannot be installed.
pub fn stop_on_signals(
    stop: &Stop,
    on_interrupt: StopReason,
    printer: &Printer,
) -> Result<(), CliError> {
    let kinds = [
        (SignalKind::interrupt(), on_interrupt, 130),
        (SignalKind::terminate(), StopReason::Shutdown, 143),
        (SignalKind::hangup(), StopReason::Shutdown, 129),
    ];
    let asked = Arc::new(AtomicBool::new(false));
    // The parent process may have set a signal to be ignored, as nohup does.
    for (kind, reason, code) in kinds.into_iter().filter(|(kind, ..)| !is_ignored(*kind)) {
        let watch = Watch {
            reason,
            code,
            stop: stop.clone(),
            asked: Arc::clone(&asked),
            printer: printer.clone(),
        };
        tokio::spawn(watch.watch(listen(kind)?));
    }
    Ok(())
}

/// Returns a future that ends at an interrupt (Ctrl-C), which does not end the process then.
///
/// # Errors
///
/// When the signal handler cannot be installed.
pub fn interrupted() -> Result<impl Future<Output = ()>, CliError> {
    let kind = SignalKind::interrupt();
    // The parent process may have set the signal to be ignored, as a shell does for a job in the background.
    let mut signals = if is_ignored(kind) { None } else { Some(listen(kind)?) };
    Ok(async move {
        let interrupted = match &mut signals {
            Some(signals) => signals.recv().await,
            None => None,
        };
        // Without a handler there are no signals to wait for.
        if interrupted.is_none() {
            std::future::pending::<()>().await;
        }
    })
}

fn listen(kind: SignalKind) -> Result<Signal, CliError> {
    signal(kind).map_err(|source| CliError::Io { what: "listening for signals".to_owned(), source })
}

/// Whether the process ignores a signal.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}

/// What one signal means.
struct Watch {
    reason: StopReason,
    code: i32,
    stop: Stop,
    /// Whether any of them has come before.
    asked: Arc<AtomicBool>,
    printer: Printer,
}

impl Watch {
    async fn watch(self, mut signals: Signal) {
        while signals.recv().await.is_some() {
            if self.asked.swap(true, Ordering::SeqCst) {
                exit_now(self.code);
            }
            let again = "press Ctrl-C again to stop at once; the journal is kept either way";
            self.printer.say(&format!("\nstopping cleanly; {again}"));
            self.stop.request(self.reason);
        }
    }
}

#[expect(
    clippy::exit,
    clippy::disallowed_methods,
    reason = "the second signal ends the process at once"
)]
fn exit_now(code: i32) -> ! {
    std::process::exit(code)
}
