//! Waits for a server that is loading its model.

use std::time::Duration;

use az_ai::catalog::displayed_url;
use az_ai::error::Error;
use az_ai::provider::WireClient;
use az_ai::provider::listing::ListedModel;
use tokio::time::Instant;

use crate::output::Printer;

/// The wait before the server is asked again.
const STEP: Duration = Duration::from_secs(1);
/// The time between two messages on the wait.
const PROGRESS: Duration = Duration::from_secs(15);

/// The wait for a server that is loading its model, with messages on its progress.
#[derive(Debug)]
pub(super) struct LoadingWait {
    most: Duration,
    printer: Printer,
}

impl LoadingWait {
    pub(super) const fn new(most: Duration, printer: Printer) -> Self {
        Self { most, printer }
    }

    /// Returns the models of a server, once it lists them.
    ///
    /// # Errors
    ///
    /// The server's last error when the wait is over; any other error at once.
    pub(super) async fn models(
        &self,
        client: &WireClient,
        base_url: &str,
    ) -> Result<Vec<ListedModel>, Error> {
        let (began, mut told) = (Instant::now(), Duration::ZERO);
        loop {
            let error = match client.models().await {
                Ok(models) => return Ok(models),
                Err(error) => error,
            };
            let waited = began.elapsed();
            if !is_loading(&error) || waited >= self.most {
                return Err(error);
            }
            if told == Duration::ZERO {
                let (server, most) = (displayed_url(base_url), self.most.as_secs());
                self.printer.say(&format!(
                    "the server at {server} is loading its model; waiting for up to {most} s \
                     (llm.timeouts.loading_seconds)"
                ));
            } else if waited >= told + PROGRESS {
                self.printer.say(&format!("still loading after {} s", waited.as_secs()));
            }
            if told == Duration::ZERO || waited >= told + PROGRESS {
                told = waited.max(Duration::from_millis(1));
            }
            pause().await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the server needs real time to load its model")]
async fn pause() {
    tokio::time::sleep(STEP).await;
}

/// Whether an error is that of a server that is loading its model.
pub(super) fn is_loading(error: &Error) -> bool {
    matches!(error.unmetered(), Error::Refused(refusal) if refusal.status == Some(503))
}
