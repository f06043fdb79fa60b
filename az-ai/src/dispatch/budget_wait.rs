//! Waits while other calls hold the budget.

use std::time::Duration;

use az_core::call::Account;
use az_core::{Error, Result};

/// The first wait; doubled with each further one.
const FIRST: Duration = Duration::from_millis(100);
/// The longest wait at a time.
const LONGEST: Duration = Duration::from_secs(2);

/// The time that a call still waits for budget that other calls hold. Most of a hold is free again
/// as soon as its call ends, so a call is refused only if the budget is still too small then.
#[derive(Debug)]
pub(super) struct BudgetWait {
    left: Duration,
    next: Duration,
    noted: bool,
}

impl BudgetWait {
    pub(super) const fn new(left: Duration) -> Self {
        Self { left, next: FIRST, noted: false }
    }

    pub(super) const fn has_more(&self) -> bool {
        !self.left.is_zero()
    }

    /// Waits one interval, and keeps the reason of the first wait.
    pub(super) async fn pause(
        &mut self,
        account: &mut impl Account,
        refusal: &Error,
    ) -> Result<()> {
        if !self.noted {
            self.noted = true;
            account.note(format!("waiting while other calls hold the budget: {refusal}")).await?;
        }
        let wait = self.next.min(self.left);
        account.pause(wait).await?;
        self.left = self.left.saturating_sub(wait);
        self.next = self.next.saturating_mul(2).min(LONGEST);
        Ok(())
    }
}
