//! Decisions about how the requests of a task are built, as text.

use az_core::journal::{ContextChange, RequestPart};
use az_core::text::plural;

use super::humanize::printable;

/// Returns that a request did not begin with the one before it, as one line.
pub fn prefix_change_in_words(part: RequestPart) -> String {
    format!(
        "from {part} on, the request differs from the one before, without a recorded cut: the provider's \
         cache does not have it"
    )
}

/// Returns a decision about the requests that follow it as one line.
pub fn context_in_words(change: &ContextChange) -> String {
    match change {
        ContextChange::Prompt(prompt) => {
            let tools = plural(prompt.tools.len(), "tool");
            let bytes = prompt.system.len();
            format!("prompt recorded: {bytes} bytes of instructions and {tools}")
        }
        ContextChange::ToolsAdded { tools, .. } => {
            format!("new tools, which the model is told about: {}", printable(&tools.join(", ")))
        }
        ContextChange::Cut(cut) => format!(
            "older tool results cut to {} bytes each for {}: {} tokens instead of {}",
            cut.to_bytes,
            printable(&cut.model),
            cut.tokens_after,
            cut.tokens_before
        ),
        ContextChange::Model(choice) => {
            let reason = choice.reason.as_deref().map(|why| format!(": {why}"));
            printable(&format!("model {} chosen{}", choice.name, reason.unwrap_or_default()))
        }
    }
}
