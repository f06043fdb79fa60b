//! The dispatcher as a client: retries, fallback, and the account of a payer.

mod completer;
mod fallback;
mod payer;
mod race;
mod reported;
