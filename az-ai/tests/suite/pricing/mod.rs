//! Costs of calls: computed from usage objects, compared with reported costs, and as properties.

mod client;
mod properties;
mod recorded;
mod usage;

use az_ai::pricing::PricedCall;

/// A Monday, at an hour without surcharges.
const NOW: &str = "2026-11-23T12:00:00Z";

fn call<'a>(provider: &'a str, model: &'a str) -> PricedCall<'a> {
    PricedCall { provider, model, at: NOW.parse().unwrap() }
}
