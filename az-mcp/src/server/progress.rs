//! Progress of a call, as notifications.

use std::time::Duration;

use az_core::tool::{Progress, ProgressReceiver};
use rmcp::RoleServer;
use rmcp::model::{ProgressNotificationParam, ProgressToken};
use rmcp::service::Peer;

/// The shortest time between two notifications of a call.
const INTERVAL: Duration = Duration::from_millis(100);

/// Sends the reports of a call until its last sender is dropped, or the client is gone.
#[expect(clippy::disallowed_methods, reason = "the rate of notifications is limited in real time")]
pub(super) async fn send(
    mut reports: ProgressReceiver,
    token: ProgressToken,
    peer: Peer<RoleServer>,
) {
    let mut last = 0.0;
    while let Some(report) = reports.next().await {
        let Some(value) = value(&report, last) else { continue };
        last = value;
        let mut params = ProgressNotificationParam::new(token.clone(), value);
        params.total = report.total.map(float);
        params.message = Some(report.message).filter(|message| !message.is_empty());
        if peer.notify_progress(params).await.is_err() {
            return;
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

/// Returns the progress of a report, which has to be more than the last; `None` if its count is not.
fn value(report: &Progress, last: f64) -> Option<f64> {
    match report.done.map(float) {
        Some(done) => (done > last).then_some(done),
        None => Some(last + 1.0),
    }
}

/// Returns a count as the number that JSON has; exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "a count of that size is shown to a person only")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use az_core::tool::Progress;

    use super::value;

    #[test]
    fn the_progress_that_is_sent_always_increases() {
        let counted = |done| Progress::message("x").with_count(done, Some(9));
        assert_eq!(value(&counted(3), 0.0), Some(3.0));
        assert_eq!(value(&counted(3), 3.0), None);
        assert_eq!(value(&counted(2), 3.0), None);
        assert_eq!(value(&Progress::message("x"), 3.0), Some(4.0));
    }
}
