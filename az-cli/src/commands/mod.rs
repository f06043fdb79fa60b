//! The commands: one file each, with its arguments at the top.

mod ask_mode;
pub mod completions;
pub mod config;
pub mod cost;
pub mod db;
pub mod demo;
pub mod doctor;
pub mod log;
pub mod man;
pub mod mcp;
pub mod models;
pub mod setup;
pub mod task;
pub mod tools;
pub mod worker;

mod one_of;
mod time;
mod time_range;
mod workspace;
