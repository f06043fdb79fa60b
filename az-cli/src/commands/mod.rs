//! What the commands do: one file each, its arguments on top.

pub mod db;
pub mod task;
pub mod worker;

mod dispatch;

pub use dispatch::run;
