//! `az db`: look after the database.

mod init;
mod status;
mod verbs;

pub use verbs::{DbCommand, run};
