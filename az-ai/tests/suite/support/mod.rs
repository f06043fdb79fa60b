//! Support for the tests: servers and engines.

pub(crate) mod server;
pub(crate) mod stage;
