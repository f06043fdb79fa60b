//! Clients around clients, one concern each.

mod metered;
mod retrying;

pub use metered::{Booking, MeteredClient};
pub use retrying::RetryingClient;
