//! Ctrl-C once stops cleanly and keeps the record; twice stops now.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use az_core::engine::{Stop, StopReason};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::CliError;
use crate::output::Printer;

/// Makes a file that may grow no further an error of the write, rather than the end of the process.
///
/// # Errors
///
/// When the system has no room for another signal handler.
pub fn survive_file_size_limits() -> std::io::Result<()> {
    let seen = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGXFSZ, seen).map(drop)
}

/// Requests `stop` at the first signal; ends the process at the second.
///
/// An interrupt (Ctrl-C) gives `on_interrupt` as the reason; a request of the system to end gives
/// the task back, to be gone on with later.
///
/// # Errors
///
/// When the system has no room for another signal handler.
pub fn stop_on_signals(
    stop: &Stop,
    on_interrupt: StopReason,
    printer: &Printer,
) -> Result<(), CliError> {
    let listen = |kind| {
        signal(kind)
            .map_err(|source| CliError::Io { what: "listening for signals".to_owned(), source })
    };
    let kinds = [
        (SignalKind::interrupt(), on_interrupt, 130),
        (SignalKind::terminate(), StopReason::Shutdown, 143),
        (SignalKind::hangup(), StopReason::Shutdown, 129),
    ];
    let asked = Arc::new(AtomicBool::new(false));
    // Whoever started us may have said that a signal is to be ignored, as nohup does.
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

/// Whether the process ignores a signal, by what the system says of it.
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
            let once_more = "once more stops now (the record is kept either way)";
            self.printer.say(&format!("\nstopping cleanly; {once_more}"));
            self.stop.request(self.reason);
        }
    }
}

#[expect(clippy::exit, clippy::disallowed_methods, reason = "the second signal means: now")]
fn exit_now(code: i32) -> ! {
    std::process::exit(code)
}
