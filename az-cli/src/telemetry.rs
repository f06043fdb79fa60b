//! What the libraries below have to say to whoever looks after a worker.

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
    // Only a program that embeds this one has set another one before; it hears of them then.
    printed.ok();
}
