//! Digests of the parts of requests.

use az_core::journal::RequestDigests;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::chat::{ChatRequest, Message};

/// The bytes of a digest that are recorded.
const KEPT: usize = 8;

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
    }
}

fn digest<T: Serialize + ?Sized>(part: &T) -> String {
    let json = serde_json::to_vec(part).unwrap_or_default();
    Sha256::digest(&json).iter().take(KEPT).map(|byte| format!("{byte:02x}")).collect()
}
