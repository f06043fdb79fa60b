//! What conformance kits are made of: fixtures, scenarios, verdicts and reports.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Error;

/// Fresh storage for one scenario.
///
/// Every scenario gets a fixture of its own, so nothing has to be wiped between them. Opening one
/// fixture twice must reach the same storage, as another process or a restarted one would.
#[async_trait]
pub trait Fixture<T: ?Sized>: Send + Sync {
    /// Opens the storage.
    async fn open(&self) -> Arc<T>;

    /// Says what the storage can do beyond the contract.
    fn capabilities(&self) -> Capabilities;
}

/// What a fixture's storage can do beyond the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Capabilities {
    /// What was acknowledged survives a restart.
    pub durable: bool,
    /// Several handles, opened one by one, may be used at once.
    pub shared: bool,
}

impl Capabilities {
    /// Nothing beyond the contract.
    pub const NONE: Self = Self { durable: false, shared: false };
    /// All there is.
    pub const ALL: Self = Self { durable: true, shared: true };

    /// Returns them with durability.
    #[must_use]
    pub const fn durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// Returns them with sharing.
    #[must_use]
    pub const fn shared(mut self) -> Self {
        self.shared = true;
        self
    }
}

/// What a scenario returns.
pub type Checked<T = ()> = Result<T, Violation>;

/// Why a scenario did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// A clause was broken; the text quotes which, and how.
    Broken(String),
    /// The scenario cannot be played with this fixture, for want of what the text names.
    Unmet(&'static str),
}

impl From<Error> for Violation {
    fn from(error: Error) -> Self {
        Self::Broken(format!("an unexpected error: {}", error.chain()))
    }
}

/// What became of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The clause held.
    Passed,
    /// It was broken, in these words.
    Failed(String),
    /// It was not played, for want of this.
    Skipped(&'static str),
}

impl From<Checked> for Verdict {
    fn from(checked: Checked) -> Self {
        match checked {
            Ok(()) => Self::Passed,
            Err(Violation::Broken(how)) => Self::Failed(how),
            Err(Violation::Unmet(need)) => Self::Skipped(need),
        }
    }
}

/// The verdicts of one kit.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a report says nothing unless it is read"]
pub struct Report {
    kit: &'static str,
    verdicts: Vec<(&'static str, Verdict)>,
}

impl Report {
    /// Returns an empty report of the kit of this name.
    pub const fn new(kit: &'static str) -> Self {
        Self { kit, verdicts: Vec::new() }
    }

    /// Adds a verdict.
    pub fn add(&mut self, scenario: &'static str, verdict: Verdict) {
        self.verdicts.push((scenario, verdict));
    }

    /// Returns the verdicts, in the order of the scenarios.
    pub fn verdicts(&self) -> &[(&'static str, Verdict)] {
        &self.verdicts
    }

    /// Returns the names of the scenarios that failed.
    pub fn failed(&self) -> Vec<&'static str> {
        self.names(|verdict| matches!(verdict, Verdict::Failed(_)))
    }

    /// Returns the names of the scenarios that were not played.
    pub fn skipped(&self) -> Vec<&'static str> {
        self.names(|verdict| matches!(verdict, Verdict::Skipped(_)))
    }

    fn names(&self, wanted: impl Fn(&Verdict) -> bool) -> Vec<&'static str> {
        let names = self.verdicts.iter().filter(|(_, verdict)| wanted(verdict));
        names.map(|(name, _)| *name).collect()
    }

    /// Passes if no scenario failed.
    ///
    /// # Panics
    ///
    /// With the whole report, if one did.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.failed().is_empty(), "{} is not kept:\n{self}", self.kit);
    }
}

/// Writes a line per scenario.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, verdict) in &self.verdicts {
            match verdict {
                Verdict::Passed => writeln!(f, "pass  {name}")?,
                Verdict::Failed(how) => writeln!(f, "FAIL  {name}: {how}")?,
                Verdict::Skipped(need) => writeln!(f, "skip  {name} (needs {need})")?,
            }
        }
        Ok(())
    }
}

/// Judges one scenario of a suite that declared which ones it skips.
///
/// # Panics
///
/// If the scenario failed, was skipped without being declared so, or was declared and yet played.
#[track_caller]
#[expect(clippy::panic, reason = "it is the last line of a generated test")]
pub fn judge(scenario: &str, verdict: &Verdict, skips: &[&str]) {
    match (verdict, skips.contains(&scenario)) {
        (Verdict::Passed, false) | (Verdict::Skipped(_), true) => {}
        (Verdict::Failed(how), _) => panic!("{how}"),
        (Verdict::Skipped(need), false) => {
            panic!("it needs {need}; if the fixture lacks that, name it in `skips`")
        }
        (Verdict::Passed, true) => panic!("it is named in `skips`, but it passed"),
    }
}

/// Checks that every declared skip is the name of a scenario.
///
/// # Panics
///
/// If one is not.
#[track_caller]
pub fn judge_skips(skips: &[&str], scenarios: &[&str]) {
    for skip in skips {
        assert!(scenarios.contains(skip), "`skips` names {skip}, which is no scenario");
    }
}

/// Ends a scenario with a violation unless a condition holds.
#[macro_export]
macro_rules! ensure {
    ($holds:expr, $($how:tt)+) => {
        if !$holds {
            return Err($crate::testing::Violation::Broken(format!($($how)+)));
        }
    };
}

/// Ends a scenario with a violation unless two values are equal; quotes both.
#[macro_export]
macro_rules! ensure_eq {
    ($found:expr, $expected:expr, $($how:tt)+) => {{
        let (found, expected) = (&$found, &$expected);
        $crate::ensure!(
            found == expected,
            "{}: {found:?} instead of {expected:?}",
            format_args!($($how)+)
        );
    }};
}

/// Ends a scenario with a violation unless a result is an error of the given pattern.
#[macro_export]
macro_rules! ensure_refused {
    ($result:expr, $error:pat $(if $guard:expr)?, $($how:tt)+) => {
        match $result {
            Err($error) $(if $guard)? => {}
            other => {
                return Err($crate::testing::Violation::Broken(format!(
                    "{}: {other:?}",
                    format_args!($($how)+)
                )));
            }
        }
    };
}

/// Derives a kit from its list of scenarios: the list of their names, the function that runs all,
/// the one that runs one, and the macro that makes a test of each. So they cannot disagree.
///
/// The list begins with a `$`, which the inner macro is written with. The kit must be reachable as
/// `testing::<kit>` from the root of the crate that it is written in.
#[macro_export]
macro_rules! scenarios {
    (
        $d:tt $krate:tt
        $(#[$doc:meta])*
        $kit:ident for $fixture:path, in $suite:ident;
        $($scenario:ident $(needs $need:ident)?;)+
    ) => {
        /// The names of the scenarios, in the order in which they are played.
        pub const SCENARIOS: &[&str] = &[$(stringify!($scenario)),+];

        $(#[$doc])*
        ///
        /// `make` is called once per scenario.
        pub async fn $kit<F: $fixture>(make: impl Fn() -> F) -> $crate::testing::Report {
            let mut report = $crate::testing::Report::new(stringify!($kit));
            for scenario in SCENARIOS {
                report.add(scenario, run(scenario, &make()).await);
            }
            report
        }

        /// Plays one scenario.
        pub async fn run(scenario: &str, fixture: &dyn $fixture) -> $crate::testing::Verdict {
            match scenario {
                $(stringify!($scenario) => {
                    $(if !fixture.capabilities().$need {
                        return $crate::testing::Verdict::Skipped(stringify!($need));
                    })?
                    Box::pin($scenario(fixture)).await.into()
                })+
                _ => $crate::testing::Verdict::Failed(format!("there is no scenario {scenario}")),
            }
        }

        /// Makes one `#[tokio::test]` of each scenario of the kit of this name.
        ///
        /// `make` makes a fixture; `skips` lists exactly the scenarios that the fixture's
        /// capabilities leave out; `runtime` is what `#[tokio::test]` is given, such as
        /// `(start_paused = true)`. The calling crate needs `tokio` with `macros` and `rt`.
        #[macro_export]
        macro_rules! $suite {
            (make: $d make:expr, skips: $d skips:expr $d(,)?) => {
                $d $krate::$suite! { make: $d make, skips: $d skips, runtime: () }
            };
            (
                make: $d make:expr, skips: $d skips:expr, runtime: ($d($d runtime:tt)*) $d(,)?
            ) => {
                /// The kit that this suite runs.
                pub(crate) const COVERS: &str = stringify!($kit);

                $(
                    #[tokio::test($d($d runtime)*)]
                    async fn $scenario() {
                        let fixture = ($d make)();
                        let name = stringify!($scenario);
                        let verdict = $d $krate::testing::$kit::run(name, &fixture).await;
                        $crate::testing::judge(name, &verdict, &$d skips);
                    }
                )+

                #[test]
                fn only_scenarios_are_skipped() {
                    $crate::testing::judge_skips(
                        &$d skips,
                        $d $krate::testing::$kit::SCENARIOS,
                    );
                }
            };
        }
    };
}
