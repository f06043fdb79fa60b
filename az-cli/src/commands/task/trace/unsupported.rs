//! The program was built without the feature `otlp`.

use az_core::task::Task;
use az_core::trace::Span;

use crate::error::CliError;
use crate::services::Services;

/// Refuses to send.
///
/// # Errors
///
/// Always, with what to do.
#[expect(clippy::unused_async, reason = "with the feature it waits for the collector")]
pub(super) async fn send(
    _task: &Task,
    _span: &Span,
    _url: &str,
    _services: &Services,
) -> Result<(usize, String), CliError> {
    Err(CliError::Usage(
        "--otlp: this az was built without the feature `otlp`; build it with `cargo install az-cli \
         --features otlp`, or use --format json"
            .to_owned(),
    ))
}
