//! Prints the warnings of the libraries, and panics.

use std::panic;

use az_core::blocking::NO_THREAD;
use tracing_subscriber::filter::LevelFilter;

/// Prints warnings of the libraries on standard error, a line each.
pub fn warn_on_stderr() {
    let printed = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .try_init();
    // A program that embeds this one may have set its own subscriber, which then gets them.
    printed.ok();
}

/// Prints no panic of Tokio that the caller turns into an error.
pub fn hide_handled_panics() {
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if !info.payload_as_str().is_some_and(|message| message.starts_with(NO_THREAD)) {
            print(info);
        }
    }));
}
