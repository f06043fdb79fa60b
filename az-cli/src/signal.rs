//! Ctrl-C once stops cleanly and keeps the record; twice stops now.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

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
    let interrupt = listen(SignalKind::interrupt())?;
    let terminate = listen(SignalKind::terminate())?;
    let hangup = listen(SignalKind::hangup())?;
    tokio::spawn(watch(
        [interrupt, terminate, hangup],
        stop.clone(),
        on_interrupt,
        printer.clone(),
    ));
    Ok(())
}

async fn watch(
    [mut interrupt, mut terminate, mut hangup]: [Signal; 3],
    stop: Stop,
    on_interrupt: StopReason,
    printer: Printer,
) {
    let mut asked = false;
    loop {
        let (reason, code) = tokio::select! {
            _ = interrupt.recv() => (on_interrupt, 130),
            _ = terminate.recv() => (StopReason::Shutdown, 143),
            _ = hangup.recv() => (StopReason::Shutdown, 129),
        };
        if asked {
            exit_now(code);
        }
        asked = true;
        printer.say("stopping cleanly; once more stops now (the record is kept either way)");
        stop.request(reason);
    }
}

#[expect(clippy::exit, clippy::disallowed_methods, reason = "the second signal means: now")]
fn exit_now(code: i32) -> ! {
    std::process::exit(code)
}
