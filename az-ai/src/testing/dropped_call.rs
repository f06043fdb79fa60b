//! Calls that are dropped while the provider works on them.

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use az_core::ensure;
use az_core::testing::{Checked, Violation};

use super::llm_client::ClientFixture;

/// How long a call runs before it is checked whether its request has reached the provider.
const CALL_TIME: Duration = Duration::from_millis(20);
/// How often that is checked before the call is dropped in any case.
const CHECKS: usize = 250;

/// Runs a call until its request has reached the provider, and drops it.
pub(super) async fn drop_when_sent<T: fmt::Debug>(
    fixture: &dyn ClientFixture,
    call: impl Future<Output = T>,
) -> Checked {
    let before = fixture.requests().await;
    let mut call = pin!(call);
    for _ in 0..CHECKS {
        let ended = tokio::time::timeout(CALL_TIME, call.as_mut()).await;
        ensure!(ended.is_err(), "the call ended although the provider does not respond: {ended:?}");
        if before.is_none() || fixture.requests().await > before {
            break;
        }
    }
    Ok(())
}

pub(super) async fn check_disconnect(fixture: &dyn ClientFixture) -> Checked {
    let saw_disconnect =
        fixture.saw_disconnect().await.ok_or(Violation::Unmet("a way to notice dropped calls"))?;
    ensure!(saw_disconnect, "clause 7: the connection of a dropped call stays open");
    Ok(())
}
