//! `az models`: which models there are, what they cost, and which one is asked when.

mod list;
mod price;
mod route;
mod show;
mod verbs;

pub use verbs::{ModelsCommand, run};
