//! Waiting for money that other calls hold.

use std::time::Duration;

use az_core::{Error, Result, Run};

/// The first wait; doubled with each further one.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait at a time.
const LONGEST: Duration = Duration::from_secs(2);

/// How much longer a call waits for what others hold. Most of a hold is free again as soon as its
/// call is over, so a budget that is wide enough in the end should fail nobody who came too early.
#[derive(Debug)]
pub(super) struct Patience {
    left: Duration,
    next: Duration,
    told: bool,
}

impl Patience {
    pub(super) const fn new(left: Duration) -> Self {
        Self { left, next: FIRST, told: false }
    }

    pub(super) const fn has_more(&self) -> bool {
        !self.left.is_zero()
    }

    /// Waits a little, and says why the first time.
    pub(super) async fn wait(&mut self, run: &mut Run, refusal: &Error) -> Result<()> {
        if !self.told {
            self.told = true;
            run.note(format!("waiting for other calls: {refusal}")).await?;
        }
        let wait = self.next.min(self.left);
        run.pause(wait).await?;
        self.left = self.left.saturating_sub(wait);
        self.next = self.next.saturating_mul(2).min(LONGEST);
        Ok(())
    }
}
