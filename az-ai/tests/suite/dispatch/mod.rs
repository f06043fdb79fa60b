//! The dispatcher as a client: retries, fallback, and the books of a payer.

mod fallback;
mod payer;
