//! Child processes: this test binary again, running one part of one of its tests.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The environment variable that makes a process a child: its number and the path of the store.
const PART: &str = "AZ_TEST_PART";
/// The prefix of a child's lines, which distinguishes them from those of the test harness.
const MARK: &str = "@ ";

/// The number and the store of a child.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
}

/// Returns the part of this process, if it is a child.
#[expect(clippy::disallowed_methods, reason = "the environment is how a child is told")]
pub(crate) fn part() -> Option<Part> {
    let told = env::var(PART).ok()?;
    let (number, path) = told.split_once(' ').expect("a number and a path");
    Some(Part { number: number.parse().expect("a number"), path: path.into() })
}

/// Starts a child that runs its part of the test of this name.
pub(crate) fn start(test: &str, number: u64, path: &Path) -> Child {
    Command::new(env::current_exe().expect("this binary"))
        .args(["--exact", test, "--nocapture"])
        .env(PART, format!("{number} {}", path.display()))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the child starts")
}

/// Sends a line to the parent in one write, so that it arrives whole or not at all. A child whose
/// parent has ended panics.
pub(crate) fn say(line: &str) {
    writeln!(std::io::stdout().lock(), "{MARK}{line}").expect("a parent that listens");
}

/// Returns the lines of a child until it ends.
pub(crate) fn lines(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let stdout = child.stdout.take().expect("a pipe");
    let lines = BufReader::new(stdout).lines().map(|line| line.expect("text"));
    lines.filter_map(|line| line.split_once(MARK).map(|(_, said)| said.to_owned()))
}

/// Deterministic pseudo-random numbers: SplitMix64, by Steele, Lea and Flood.
#[derive(Debug)]
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// Returns a number from 0 up to `end`, exclusive.
    pub(crate) fn below(&mut self, end: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) >> 1).cast_signed() % end
    }
}
