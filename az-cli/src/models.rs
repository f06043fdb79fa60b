//! Which model answers, and why.

mod access;
mod booked;
mod choose;
mod clients;
mod demo;
mod entries;
mod find;
mod local;
mod name;
mod prices;
mod rules;
mod unknown;

pub use access::Access;
pub use booked::Booked;
pub use choose::{Choice, ModelChooser};
pub use demo::{DEMO, demo_task};
pub use entries::{Entries, Entry};
pub use find::Found;
pub use prices::Prices;
pub use rules::read_rules;
pub use unknown::{did_you_mean, to_cli};
