//! Records the prompt of a task at its first step, and announces tools that appear later.

use std::sync::Arc;

use az_core::journal::{ContextChange, History, ModelReply, Prompt};
use az_core::{Result, Run};

use super::prompt::{announcement, described};
use super::prompt_context::{PromptContext, protocol};
use crate::chat::ToolDefinition;
use crate::provider::tool_names::ToolNames;
use crate::resolver::Candidate;

/// Records the prompts that candidates get and that are not recorded yet, and announces the tools that
/// appeared or changed since the first prompt was recorded.
///
/// A task that was begun by a version that did not record prompts is continued with the tools that it
/// has now.
pub(super) async fn record(
    run: &mut Run,
    context: &PromptContext<'_>,
    candidates: &[Candidate],
) -> Result<()> {
    for candidate in candidates {
        let model = &candidate.model;
        let capabilities = model.client.capabilities(&model.model);
        let protocol = protocol(capabilities);
        if run.history().context.prompt(protocol).is_none() {
            let system = context.system(run, protocol);
            let prompt = Prompt::new(protocol, system, Arc::clone(&context.tools));
            run.decide_context(ContextChange::Prompt(prompt)).await?;
        }
    }
    let added = added(run.history(), context);
    if !added.is_empty() {
        let tools = added.iter().map(|tool| tool.name.clone()).collect();
        let text = announcement(&added);
        run.decide_context(ContextChange::ToolsAdded { tools, text }).await?;
    }
    Ok(())
}

/// Returns the tools that the model does not know of: they are not in the prompt with these arguments, and
/// no text in the conversation describes them.
fn added<'a>(history: &History, context: &'a PromptContext<'_>) -> Vec<&'a ToolDefinition> {
    let summarised = history.summary.as_ref().map_or(0, |summary| summary.turns);
    let told = history.observations.iter();
    let told: Vec<_> =
        told.filter(|told| told.is_announcement && told.after >= summarised).collect();
    let is_in_prompt = |tool: &ToolDefinition| {
        context.tools.iter().any(|old| old.name == tool.name && old.schema == tool.schema)
    };
    let is_told = |tool: &ToolDefinition| {
        let description = described(tool);
        told.iter().any(|told| told.text.contains(&description))
    };
    context.available.iter().filter(|tool| !is_in_prompt(tool) && !is_told(tool)).collect()
}

/// Returns a reply in which calls of announced tools have the names of the tools. The wire knows only
/// the names of those in the request.
pub(super) fn with_announced_names(mut reply: ModelReply, tools: &[ToolDefinition]) -> ModelReply {
    let is_known = |name: &str| tools.iter().any(|tool| tool.name == name);
    if reply.calls.iter().all(|call| is_known(&call.name)) {
        return reply;
    }
    let names = ToolNames::new(tools.iter().map(|tool| tool.name.as_str()));
    for call in reply.calls.iter_mut().filter(|call| !is_known(&call.name)) {
        call.name = names.inward(&call.name);
    }
    reply
}

#[cfg(test)]
mod tests {
    use az_core::journal::ModelReply;
    use serde_json::json;

    use super::with_announced_names;
    use crate::chat::ToolDefinition;

    #[test]
    fn calls_get_the_names_of_tools_that_the_request_does_not_contain() {
        let tools = ["web.fetch", "plain"].map(|name| ToolDefinition::new(name, "", json!({})));
        let reply = |names: [&str; 3]| {
            names.into_iter().fold(ModelReply::default(), |r, name| r.with_call(name, json!({})))
        };
        let named = with_announced_names(reply(["web_fetch", "plain", "none"]), &tools);
        assert_eq!(named, reply(["web.fetch", "plain", "none"]));
    }
}
