//! Providers that are avoided for a while because they failed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use az_core::clock::later;
use az_core::{ErrorKind, Timestamp};

use crate::resolver::CallReport;

/// The cooldown after a rate limit without a `retry-after` header.
const BUSY: Duration = Duration::from_secs(30);
/// The cooldown after one failure.
const FIRST: Duration = Duration::from_secs(5);
/// The longest cooldown after repeated failures.
const LONGEST: Duration = Duration::from_secs(300);
/// The cooldown after a rejected key, which does not recover by itself.
const REFUSED: Duration = Duration::from_secs(600);

/// The providers that failed recently, with the time for which each is avoided.
#[derive(Debug, Default)]
pub struct Cooldowns(Mutex<BTreeMap<String, Cooldown>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cooldown {
    until: Timestamp,
    /// The number of failures in a row.
    failures: u32,
}

impl Cooldowns {
    /// Records the outcome of a call to a provider.
    ///
    /// A rate limit starts a cooldown of the requested time, or of 30 s; another failure one of
    /// 5 s, doubled for each further one up to 5 min; a rejected key one of 10 min, which is the
    /// longest. A reply ends the cooldown. An invalid request starts none.
    pub fn report(&self, provider: &str, result: CallReport, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (kind, asked) = match result {
            CallReport::Replied => {
                all.remove(provider);
                return;
            }
            CallReport::Failed { kind, retry_after } => (kind, retry_after),
        };
        let failures = all.get(provider).map_or(0, |cooldown| cooldown.failures);
        let (pause, failures) = match kind {
            ErrorKind::RateLimited => (asked.unwrap_or(BUSY), failures),
            ErrorKind::Unauthorized => (asked.unwrap_or_default().max(REFUSED), failures),
            ErrorKind::Unavailable | ErrorKind::Protocol => {
                let doubled = FIRST.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST);
                (asked.unwrap_or_default().max(doubled), failures.saturating_add(1))
            }
            _ => return,
        };
        let until = later(now, pause.min(REFUSED));
        // A shorter pause that is reported late does not end a longer one.
        let until = all.get(provider).map_or(until, |before| before.until.max(until));
        all.insert(provider.to_owned(), Cooldown { until, failures });
    }

    /// Returns how long a provider is still avoided.
    pub fn left(&self, provider: &str, now: Timestamp) -> Option<Duration> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let until = all.get(provider)?.until;
        Duration::try_from(until.duration_since(now)).ok().filter(|left| !left.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use az_core::testing::sample::at;
    use az_core::{ErrorKind, clock::later};

    use super::{CallReport, Cooldowns, REFUSED};

    #[track_caller]
    fn check(kinds: &[(ErrorKind, Option<u64>)], expected: Option<u64>) {
        let cooldowns = Cooldowns::default();
        for (kind, retry_after) in kinds {
            let retry_after = retry_after.map(Duration::from_secs);
            cooldowns.report("p", CallReport::Failed { kind: *kind, retry_after }, at(0));
        }
        let left = cooldowns.left("p", at(0));
        assert_eq!(left, expected.map(Duration::from_secs), "{kinds:?}");
        assert_eq!(cooldowns.left("q", at(0)), None);
        cooldowns.report("p", CallReport::Replied, at(0));
        assert_eq!(cooldowns.left("p", at(0)), None);
    }

    #[test]
    fn each_kind_of_failure_has_its_cooldown() {
        use ErrorKind::{
            BadRequest, ContentPolicy, ContextWindow, Protocol, RateLimited, Unauthorized,
            Unavailable,
        };
        check(&[(RateLimited, None)], Some(30));
        check(&[(RateLimited, Some(2))], Some(2));
        check(&[(Unauthorized, None)], Some(600));
        check(&[(Unavailable, None)], Some(5));
        check(&[(Unavailable, None), (Protocol, None), (Unavailable, None)], Some(20));
        check(&[(Unavailable, None); 40], Some(300));
        check(&[(Unavailable, Some(60))], Some(60));
        check(&[(Unauthorized, None), (Unavailable, None)], Some(600));
        check(&[(BadRequest, None), (ContextWindow, None), (ContentPolicy, None)], None);
    }

    #[test]
    fn a_cooldown_ends_by_itself_and_has_a_maximum() {
        let cooldowns = Cooldowns::default();
        let failed = |retry_after| CallReport::Failed { kind: ErrorKind::RateLimited, retry_after };
        cooldowns.report("p", failed(Some(Duration::from_secs(2))), at(0));
        let left = |seconds| cooldowns.left("p", later(at(0), Duration::from_secs(seconds)));
        assert_eq!((left(1), left(2)), (Some(Duration::from_secs(1)), None));
        cooldowns.report("p", failed(Some(Duration::MAX)), at(0));
        assert_eq!(cooldowns.left("p", at(0)), Some(REFUSED), "no cooldown is longer than this");
    }
}
