//! Which model a task is given to, and why: keys, local servers and defaults for az-ai's catalog.

mod booked;
mod choose;
mod demo;
mod environment;
mod find;
mod loading;
mod local;
mod prices;
mod rules;
mod server;
mod unknown;

pub use booked::Booked;
pub use choose::{ChosenModel, ModelChooser};
pub use demo::{DEMO, demo_task};
pub use find::Found;
pub(crate) use local::{LocalAnswer, LocalServer, PORTS, probe_all};
pub use rules::read_rules;
pub use unknown::{did_you_mean, to_cli};
