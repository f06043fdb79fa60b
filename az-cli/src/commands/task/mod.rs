//! `az task`: run tasks and look after them.

mod cancel;
mod delete;
mod execute;
mod find;
mod list;
mod logs;
mod resume;
mod retry;
mod run;
mod show;
mod verbs;

pub use verbs::{TaskCommand, run};
