//! Goes on showing records as they are written.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use az_core::log::{LogMark, LogQuery};
use az_core::store::Store;

use crate::error::CliError;
use crate::output::{LogWriter, is_closed};
use crate::services::Services;

/// How long to wait between two looks at the log. A look reads the end of an index, in some microseconds.
const POLL: Duration = Duration::from_millis(40);
/// How long to wait between two looks for a store.
const APPEARANCE: Duration = Duration::from_millis(200);
/// How often opening a store that has just been found may fail.
const ATTEMPTS: u32 = 20;

/// Writes records as they are appended after a mark, until the reader closes the output.
///
/// # Errors
///
/// The store's, or that the output cannot be written.
pub(super) async fn follow(
    store: &dyn Store,
    query: &LogQuery,
    mut mark: LogMark,
    out: &mut LogWriter<impl Write>,
) -> Result<(), CliError> {
    loop {
        let tail = store.appended(query, Some(mark)).await?;
        if tail.mark == mark {
            if is_closed(&io::stdout()) {
                return Ok(());
            }
            pause(POLL).await;
            continue;
        }
        mark = tail.mark;
        out.write(&tail.records)?;
        if out.is_closed() {
            return Ok(());
        }
    }
}

/// Waits for the store to be created.
///
/// # Errors
///
/// The store's, if it cannot be opened for some seconds: one that is being created cannot, either.
pub(super) async fn store(services: &Services) -> Result<Arc<dyn Store>, CliError> {
    let address = services.store_address();
    services.printer().say(&format!("no store at {address} yet; waiting for it"));
    let mut attempts = 0;
    loop {
        match services.store_to_read().await {
            Ok(Some(store)) => return Ok(store),
            Err(error) if attempts == ATTEMPTS => return Err(error),
            Err(_) => attempts += 1,
            Ok(None) => {}
        }
        pause(APPEARANCE).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "a store does not notify other processes")]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
