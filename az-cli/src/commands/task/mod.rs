//! `az task`: run tasks and look after them.

mod cancel;
mod delete;
mod execute;
mod find;
mod list;
mod logs;
mod remedy;
mod resume;
mod retry;
mod run;
mod show;
mod verbs;

pub(super) use execute::{Start, execute};
pub(crate) use find::find;
pub use verbs::{TaskCommand, run};
