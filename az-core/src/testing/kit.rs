//! The parts of conformance kits: fixtures, scenarios, verdicts and reports.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::error::Error;

/// Fresh storage for one scenario.
///
/// Every scenario gets a new fixture, so nothing has to be deleted between scenarios. Opening one
/// fixture twice must return handles to the same storage, as another process or a restarted one
/// would.
#[async_trait]
pub trait Fixture<T: ?Sized>: Send + Sync {
    /// Opens the storage.
    async fn open(&self) -> Arc<T>;

    /// Returns the capabilities of the storage beyond the contract.
    fn capabilities(&self) -> Capabilities;
}

/// The capabilities of a fixture's storage beyond the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Capabilities {
    /// Acknowledged writes survive a restart.
    pub durable: bool,
    /// Several handles, opened one after the other, may be used at the same time.
    pub shared: bool,
}

impl Capabilities {
    /// No capabilities.
    pub const NONE: Self = Self { durable: false, shared: false };
    /// All capabilities.
    pub const ALL: Self = Self { durable: true, shared: true };

    /// Adds durability.
    #[must_use]
    pub const fn durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// Adds sharing.
    #[must_use]
    pub const fn shared(mut self) -> Self {
        self.shared = true;
        self
    }
}

/// The result of a scenario.
pub type Checked<T = ()> = Result<T, Violation>;

/// The reason that a scenario did not pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// A clause was broken; the text describes how.
    Broken(String),
    /// The fixture cannot run the scenario, because it lacks what the text names.
    Unmet(&'static str),
}

impl From<Error> for Violation {
    fn from(error: Error) -> Self {
        Self::Broken(format!("an unexpected error: {}", error.chain()))
    }
}

/// The outcome of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The clause held.
    Passed,
    /// The clause was broken, as described.
    Failed(String),
    /// The scenario was not run, because the fixture lacks this.
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
#[must_use = "a report has no effect unless it is read"]
pub struct Report {
    kit: &'static str,
    verdicts: Vec<(&'static str, Verdict)>,
}

impl Report {
    /// Creates an empty report of the kit of this name.
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

    /// Returns the names of the scenarios that were not run.
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
    /// With the whole report, if one failed.
    #[track_caller]
    pub fn assert_passed(&self) {
        assert!(self.failed().is_empty(), "{} failed:\n{self}", self.kit);
    }
}

/// Formats a line for each scenario.
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

/// Asserts that a scenario passed, or was skipped as declared.
///
/// # Panics
///
/// If the scenario failed, was skipped without being declared, or was declared and not skipped.
#[track_caller]
#[expect(clippy::panic, reason = "it is the last line of a generated test")]
pub fn judge(scenario: &str, verdict: &Verdict, skips: &[&str]) {
    match (verdict, skips.contains(&scenario)) {
        (Verdict::Passed, false) | (Verdict::Skipped(_), true) => {}
        (Verdict::Failed(how), _) => panic!("{how}"),
        (Verdict::Skipped(need), false) => {
            panic!(
                "the scenario needs {need}; if the fixture lacks that, name the scenario in `skips`"
            )
        }
        (Verdict::Passed, true) => panic!("the scenario is named in `skips`, but it passed"),
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
        assert!(scenarios.contains(skip), "`skips` names {skip}, which is not a scenario");
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
/// the one that runs one, and the macro that makes a test of each.
///
/// The list begins with a `$`, with which the inner macro is written. The kit must be reachable as
/// `testing::<kit>` from the root of the crate that defines it.
#[macro_export]
macro_rules! scenarios {
    (
        $d:tt $krate:tt
        $(#[$doc:meta])*
        $kit:ident for $fixture:path, in $suite:ident;
        $($scenario:ident $(needs $need:ident)?;)+
    ) => {
        /// The names of the scenarios, in the order in which they are run.
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

        /// Runs one scenario.
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

        /// Defines a `#[tokio::test]` for each scenario of the kit of this name.
        ///
        /// `make` creates a fixture; `skips` lists exactly the scenarios that the fixture cannot
        /// run; `runtime` is passed to `#[tokio::test]`, such as `(start_paused = true)`. The
        /// calling crate needs `tokio` with `macros` and `rt`.
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
