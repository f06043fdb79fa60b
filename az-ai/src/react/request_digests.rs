//! Digests of the parts of requests.

use az_core::digest::sha256_hex;
use az_core::journal::RequestDigests;
use serde::Serialize;

use crate::chat::{ChatRequest, Message};
use crate::estimate;

/// The digits of a digest that are recorded.
const KEPT: usize = 16;

/// Returns digests of what providers cache of a request. Deterministic: equal parts have equal digests.
pub(super) fn request_digests(request: &ChatRequest) -> RequestDigests {
    let (system, messages) = match request.messages.split_first() {
        Some((Message::System { text }, rest)) => (text.as_str(), rest),
        _ => ("", request.messages.as_slice()),
    };
    RequestDigests {
        tools: digest(&*request.tools),
        system: digest(system),
        messages: messages.iter().map(digest).collect(),
        tokens: estimate::tokens(request),
    }
}

fn digest<T: Serialize + ?Sized>(part: &T) -> String {
    let json = serde_json::to_vec(part).unwrap_or_default();
    sha256_hex(json).chars().take(KEPT).collect()
}
