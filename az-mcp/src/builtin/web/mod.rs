//! `web.fetch`: reads pages of the hosts that a person has allowed.

mod client;
mod entities;
mod fetch;
mod html;
mod options;
mod page;
mod target;
mod writer;

pub use fetch::WebFetchTool;
pub use options::WebOptions;
