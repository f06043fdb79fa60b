//! `az cost`: what was spent, and what may be.

mod budget;
mod export;
mod show;
mod span;
mod verbs;

pub use verbs::{CostCommand, run};
