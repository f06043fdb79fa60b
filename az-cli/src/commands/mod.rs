//! What the commands do: one file each, its arguments on top.

pub mod cost;
pub mod db;
pub mod demo;
pub mod models;
pub mod task;
pub mod worker;

mod time;
