//! The request of the wires' tests.

use crate::provider::tool_names::ToolNames;

use super::wire::Answered;

/// Returns the metadata of a response from `p` to a request with the tool `filesystem.read`.
pub(super) fn answered(request_id: Option<&str>) -> Answered {
    Answered {
        provider: "p".to_owned(),
        model: "asked".to_owned(),
        request_id: request_id.map(str::to_owned),
        names: ToolNames::new(["filesystem.read"]),
    }
}
