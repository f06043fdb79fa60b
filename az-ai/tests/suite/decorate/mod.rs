//! What each client around a client adds.

mod metered;
mod retrying;
