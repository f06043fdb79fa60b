//! Reads the records of a query, page by page.

use std::ops::ControlFlow;

use az_core::log::{LogQuery, LogRecord};
use az_core::store::Store;

use crate::error::CliError;

/// Calls a function with each page of the records that match, until it breaks or the limit is reached. At any
/// time, one page is in memory.
///
/// # Errors
///
/// The store's, or the function's.
pub(super) async fn for_each_page(
    store: &dyn Store,
    query: &LogQuery,
    mut each: impl FnMut(&[LogRecord]) -> Result<ControlFlow<()>, CliError>,
) -> Result<(), CliError> {
    let mut left = query.limit.unwrap_or(usize::MAX);
    let mut after = None;
    loop {
        let page = store.page(query, after).await?;
        let records = page.records.get(..left).unwrap_or(&page.records);
        left -= records.len();
        if !records.is_empty() && each(records)?.is_break() {
            return Ok(());
        }
        match page.next {
            Some(next) if left > 0 => after = Some(next),
            _ => return Ok(()),
        }
    }
}
