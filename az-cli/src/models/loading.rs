//! Waits for a server that is loading its model.

use std::time::Duration;

use az_ai::catalog::displayed_url;
use az_ai::error::Error;
use az_ai::provider::WireClient;
use az_ai::provider::listing::ListedModel;
use az_ai::provider::loading::{LoadingProgress, LoadingStep, PAUSE};

use crate::output::Printer;

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
        let mut progress = LoadingProgress::new(self.most);
        loop {
            let error = match client.models().await {
                Ok(models) => return Ok(models),
                Err(error) => error,
            };
            if error.is_loading().is_none() {
                return Err(error);
            }
            match progress.step() {
                LoadingStep::Begin => {
                    let (server, most) = (displayed_url(base_url), self.most.as_secs());
                    self.printer.say(&format!(
                        "the server at {server} is loading its model; waiting for up to {most} s \
                         (llm.timeouts.loading_seconds)"
                    ));
                }
                LoadingStep::Continue(waited) => {
                    self.printer.say(&format!("still loading after {} s", waited.as_secs()));
                }
                LoadingStep::Pause => {}
                LoadingStep::GiveUp => return Err(error),
            }
            pause().await;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the server needs real time to load its model")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}
