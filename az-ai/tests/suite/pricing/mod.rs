//! What calls cost: by providers' own accounts of them, by what providers say they cost, and in
//! general.

mod client;
mod properties;
mod recorded;
mod usage;

use az_ai::pricing::Call;

/// A Monday, at an hour at which nothing is dearer than usual.
const NOW: &str = "2026-11-23T12:00:00Z";

fn call<'a>(provider: &'a str, model: &'a str) -> Call<'a> {
    Call { provider, model, at: NOW.parse().unwrap() }
}
