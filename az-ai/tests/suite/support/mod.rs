//! What the tests play with.

pub(crate) mod server;
pub(crate) mod stage;
