//! `web.fetch`: reads pages of the hosts that a person has allowed, with an HTTP client behind a port.

mod encoding;
mod entities;
mod fetch;
mod html;
mod page;
mod port;
mod tag;
mod target;
mod writer;

pub use fetch::WebFetchTool;
pub use port::{LARGEST_BODY, WebClient, WebResponse};
