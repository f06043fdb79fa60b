//! The real binary, stopped at every point of a run, and at pairs of points: its process dies there, in one
//! of three ways, while something else goes wrong. After the task has been resumed to its end, no step is
//! lost, nothing unsafe was done twice, and no money is held or missing.
//!
//! | To see | read |
//! |---|---|
//! | what is done to a run | [`scenario`] |
//! | how it is done | [`play`], [`process`], [`trouble`] |
//! | the task that it is done to | [`world`] |
//! | what has to be true afterwards | [`verdict`] |
//! | the same for a power cut | [`power_cut`] |
//! | crash points that the task does not pass | [`elsewhere`], [`parked`] |
//! | `docs/reliability.md` and its table | [`document`], [`table`] |
//! | binaries with one rule broken, to prove that the sweep notices | [`mutants`] |

mod document;
mod elsewhere;
mod mutants;
mod parked;
mod play;
mod power_cut;
mod process;
mod scenario;
mod table;
mod tests;
mod trouble;
mod verdict;
mod world;
