//! Prints the warnings of the libraries.

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
