//! `az worker`: work off queued tasks.

mod run;
mod verbs;

pub use verbs::{WorkerCommand, run};
