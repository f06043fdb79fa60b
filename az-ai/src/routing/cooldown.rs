//! Who is passed over for a while, because they failed.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use az_core::clock::later;
use az_core::{ErrorKind, Timestamp};

use crate::resolver::Reported;

/// How long a provider is passed over that asks for patience and does not say how much.
const BUSY: Duration = Duration::from_secs(30);
/// How long one is passed over that failed once.
const FIRST: Duration = Duration::from_secs(5);
/// How long one is passed over at most that failed again and again.
const LONGEST: Duration = Duration::from_secs(300);
/// How long one is passed over that refuses our key: somebody has to do something about it.
const REFUSED: Duration = Duration::from_secs(600);

/// What became of calls to providers lately.
#[derive(Debug, Default)]
pub struct Cooldowns(Mutex<BTreeMap<String, Cooldown>>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cooldown {
    until: Timestamp,
    /// How many times in a row it was in trouble.
    failures: u32,
}

impl Cooldowns {
    /// Takes note of what became of a call to a provider.
    ///
    /// A rate limit cools it down for as long as it asks, or 30 s; trouble for 5 s, and twice as
    /// long each time after, up to 5 min; a refused key for 10 min, which is the longest of all. A reply ends it all. What is
    /// wrong with a request says nothing about the provider.
    pub fn report(&self, provider: &str, result: Reported, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (kind, asked) = match result {
            Reported::Replied => {
                all.remove(provider);
                return;
            }
            Reported::Failed { kind, retry_after } => (kind, retry_after),
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

    /// Returns for how long a provider is still to be passed over.
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

    use super::{Cooldowns, REFUSED, Reported};

    #[track_caller]
    fn check(kinds: &[(ErrorKind, Option<u64>)], expected: Option<u64>) {
        let cooldowns = Cooldowns::default();
        for (kind, retry_after) in kinds {
            let retry_after = retry_after.map(Duration::from_secs);
            cooldowns.report("p", Reported::Failed { kind: *kind, retry_after }, at(0));
        }
        let left = cooldowns.left("p", at(0));
        assert_eq!(left, expected.map(Duration::from_secs), "{kinds:?}");
        assert_eq!(cooldowns.left("q", at(0)), None);
        cooldowns.report("p", Reported::Replied, at(0));
        assert_eq!(cooldowns.left("p", at(0)), None);
    }

    #[test]
    fn each_failure_has_its_pause() {
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
    fn a_pause_ends_by_itself_and_there_is_a_longest() {
        let cooldowns = Cooldowns::default();
        let failed = |retry_after| Reported::Failed { kind: ErrorKind::RateLimited, retry_after };
        cooldowns.report("p", failed(Some(Duration::from_secs(2))), at(0));
        let left = |seconds| cooldowns.left("p", later(at(0), Duration::from_secs(seconds)));
        assert_eq!((left(1), left(2)), (Some(Duration::from_secs(1)), None));
        cooldowns.report("p", failed(Some(Duration::MAX)), at(0));
        assert_eq!(cooldowns.left("p", at(0)), Some(REFUSED), "nobody is gone for ever");
    }
}
