//! What is done to a run: where it is stopped, how its process dies, and what else goes wrong.

use std::fmt;
use std::str::FromStr;

/// How the process ends that runs the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Death {
    /// It gets SIGKILL.
    Kill,
    /// It gets SIGTERM, and ends itself.
    Terminate,
    /// It is stopped for longer than its lease, another process takes its task over, and it continues.
    Takeover,
}

/// What else happens while the process is stopped at the crash point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Trouble {
    /// Nothing.
    Alone,
    /// Another task makes the call that is under way: it writes the same bytes to the same file.
    SameBytes,
    /// Another program edits the file of the call that is under way.
    OtherEdit,
    /// Another process locks the database.
    LockedDatabase,
    /// The wall clock jumps by an hour, forward or back.
    ClockJump,
}

impl Death {
    pub(super) const ALL: [Self; 3] = [Self::Kill, Self::Terminate, Self::Takeover];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Terminate => "term",
            Self::Takeover => "takeover",
        }
    }
}

impl Trouble {
    pub(super) const ALL: [Self; 5] =
        [Self::Alone, Self::SameBytes, Self::OtherEdit, Self::LockedDatabase, Self::ClockJump];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Alone => "alone",
            Self::SameBytes => "same-bytes",
            Self::OtherEdit => "edit",
            Self::LockedDatabase => "locked",
            Self::ClockJump => "clock",
        }
    }
}

/// One crash of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Crash {
    /// The number of the crash point, counted from the start of the process.
    pub(super) passage: usize,
    pub(super) death: Death,
    pub(super) trouble: Trouble,
}

/// The crashes of a task, one after another; the second one is that of the resumed run.
///
/// Its text, such as `kill@57:alone,term@12:edit`, is all that is needed to repeat it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Scenario(pub(super) Vec<Crash>);

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}:{}", self.death.name(), self.passage, self.trouble.name())
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let crashes: Vec<_> = self.0.iter().map(Crash::to_string).collect();
        f.write_str(&crashes.join(","))
    }
}

impl FromStr for Crash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (death, rest) = text.split_once('@')?;
            let (passage, trouble) = rest.split_once(':')?;
            Some(Self {
                passage: passage.parse().ok()?,
                death: Death::ALL.into_iter().find(|known| known.name() == death)?,
                trouble: Trouble::ALL.into_iter().find(|known| known.name() == trouble)?,
            })
        };
        parse().ok_or_else(|| format!("{text:?} is no crash such as kill@57:alone"))
    }
}

impl FromStr for Scenario {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.split(',').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// The number of crash points that a resumed run passes until it has recovered.
const RECOVERY: usize = 25;

/// Returns `count` scenarios of a run with so many passages of crash points; equal arguments return equal
/// scenarios.
///
/// Up to two thirds have one crash: first every passage with every death once, with the troubles in turn,
/// then the other combinations. All others have two crashes at random.
pub(super) fn sample(count: usize, passages: usize, seed: u64) -> Vec<Scenario> {
    let mut random = Random(seed);
    let mut scenarios = singles(passages, &mut random);
    scenarios.truncate(count * 2 / 3);
    while scenarios.len() < count {
        let first = random.crash(passages);
        // Every second time in the recovery, else in what is left of the run too; some second points are
        // not reached.
        let left = passages.saturating_sub(first.passage) + RECOVERY;
        let second = random.crash(if scenarios.len().is_multiple_of(2) { RECOVERY } else { left });
        scenarios.push(Scenario(vec![first, second]));
    }
    scenarios
}

/// Returns all scenarios with one crash.
fn singles(passages: usize, random: &mut Random) -> Vec<Scenario> {
    let mut all = Vec::new();
    for round in 0..Trouble::ALL.len() {
        let mut crashes = Vec::new();
        for passage in 1..=passages {
            for (index, death) in Death::ALL.into_iter().enumerate() {
                let trouble = Trouble::ALL[(passage + 2 * index + round) % Trouble::ALL.len()];
                crashes.push(Scenario(vec![Crash { passage, death, trouble }]));
            }
        }
        random.shuffle(&mut crashes);
        all.extend(crashes);
    }
    all
}

/// Numbers that follow from a seed (SplitMix64).
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((bits ^ (bits >> 31)) % limit as u64).unwrap()
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }

    fn crash(&mut self, passages: usize) -> Crash {
        Crash {
            passage: 1 + self.below(passages),
            death: Death::ALL[self.below(Death::ALL.len())],
            trouble: Trouble::ALL[self.below(Trouble::ALL.len())],
        }
    }
}

#[test]
fn a_scenario_is_repeated_from_its_text_and_a_sample_from_its_seed() {
    let sampled = sample(3_000, 100, 7);
    assert_eq!(sampled, sample(3_000, 100, 7));
    assert_ne!(sampled, sample(3_000, 100, 8));
    for scenario in &sampled {
        assert_eq!(scenario.to_string().parse::<Scenario>().as_ref(), Ok(scenario));
    }
    "kill@x:alone".parse::<Scenario>().unwrap_err();
}

#[test]
fn a_sample_has_every_passage_with_every_death_and_a_large_one_every_combination() {
    let distinct = |count| {
        let single = sample(count, 40, 1).into_iter().filter(|scenario| scenario.0.len() == 1);
        let mut crashes: Vec<_> = single.map(|scenario| scenario.to_string()).collect();
        crashes.sort();
        crashes.dedup();
        crashes.len()
    };
    assert_eq!(distinct(40 * 3 * 3 / 2), 40 * 3);
    assert_eq!(distinct(40 * 3 * 5 * 3 / 2), 40 * 3 * 5);
}
