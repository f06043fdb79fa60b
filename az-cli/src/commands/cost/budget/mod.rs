//! `az cost budget`.

mod clear;
mod scope;
mod set;
mod show;
mod verbs;

pub(super) use verbs::{BudgetCommand, run};
