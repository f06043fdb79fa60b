//! What a wire has to say about its recordings to be checked against them.

use az_ai::chat::{ChatReply, ChatRequest, ToolDefinition};
use az_ai::provider::wire::Wire;
use serde_json::Value;

use super::exchange::Exchange;

/// A wire, and a second, plainest reading of what was recorded of it.
pub(super) trait Spoken {
    /// The wire.
    type Wire: Wire;

    /// Its name, for the table.
    const NAME: &str;

    /// Whether it is shown what no wire speaks: lists of models, files, pictures. One wire of a
    /// provider is enough.
    const ADOPTS: bool = true;

    /// Returns the wire.
    fn wire() -> Self::Wire;

    /// Whether an exchange speaks it.
    fn speaks(exchange: &Exchange) -> bool;

    /// Returns the names of the tools in a request's body.
    fn tools(sent: &Value) -> Vec<String>;

    /// Returns what an answer of status 200 says, or the message of an error that stands in it.
    fn expected(exchange: &Exchange) -> Result<Said, String>;

    /// Checks what else a wire promises of a reply.
    fn check(_exchange: &Exchange, _reply: &ChatReply) {}

    /// Returns how much of a stream says that it is complete, in bytes: less is cut off.
    fn end(exchange: &Exchange) -> usize;

    /// Returns the request that the client is to make, with the tools of the recorded one: their
    /// names are mapped back.
    fn request(exchange: &Exchange) -> ChatRequest {
        let tools = Self::tools(&exchange.sent())
            .into_iter()
            .map(|name| ToolDefinition::new(name, "", Value::Null));
        ChatRequest::prompt("m", "as recorded").with_tools(tools.collect::<Vec<_>>())
    }
}

/// What an answer says, read in the plainest way.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) reasoning: String,
    /// The tools that are asked for, with their arguments where they are plain to see.
    pub(super) calls: Vec<(String, Option<Value>)>,
    pub(super) stop: String,
    /// All tokens, and those of the output.
    pub(super) usage: Option<(u64, u64)>,
    /// What the provider says that it cost, in dollars.
    pub(super) cost: Option<f64>,
}

impl Said {
    /// Checks what was understood.
    pub(super) fn check(&self, name: &str, reply: &ChatReply) {
        let understood = &reply.reply;
        match self.text.trim_start().strip_prefix("<think>") {
            // A thought that is written as text is reasoning.
            Some(rest) => {
                let (thought, text) = rest.split_once("</think>").unwrap_or((rest, ""));
                let thought = format!("{}{thought}", self.reasoning);
                assert_eq!(understood.text.trim(), text.trim(), "{name}");
                assert_eq!(understood.reasoning.trim(), thought.trim(), "{name}");
            }
            None => {
                assert_eq!(understood.text, self.text, "{name}");
                assert_eq!(understood.reasoning, self.reasoning, "{name}");
            }
        }
        assert_eq!(understood.stop, self.stop, "{name}");
        let names: Vec<_> = understood.calls.iter().map(|call| &call.name).collect();
        assert_eq!(names, self.calls.iter().map(|(name, _)| name).collect::<Vec<_>>(), "{name}");
        for (call, (_, arguments)) in understood.calls.iter().zip(&self.calls) {
            let same = arguments.as_ref().is_none_or(|arguments| *arguments == call.arguments);
            assert!(same, "{name}: {} of {arguments:?}", call.arguments);
        }
        // A reply that was cut off at the maximum length may end within the arguments of a call.
        let whole = understood.calls.iter().all(|call| call.arguments.is_object());
        assert!(whole || understood.finish.is_cut(), "{name}");
        let counted = reply.usage.as_ref().map(|usage| (usage.total(), usage.output));
        assert_eq!(counted, self.usage, "{name}");
        if let Some(cost) = self.cost {
            let ours = i32::try_from(reply.cost.unwrap().nanos()).unwrap();
            assert!((f64::from(ours) - cost * 1e9).abs() <= 1.0, "{name}: {ours} of {cost}");
        }
    }
}
