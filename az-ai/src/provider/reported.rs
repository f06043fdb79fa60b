//! The usage that a provider has reported in a reply so far.

use az_core::Usd;
use az_core::cost::{Charge, Usage};

/// The usage that a provider has reported in a reply so far: what a call that fails is charged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportedUsage {
    usage: Option<Usage>,
    cost: Option<Usd>,
    /// Whether the model had stopped when it was reported.
    is_final: bool,
}

impl ReportedUsage {
    /// Adds a report. Counts only grow, so of two reports the larger count stands.
    pub fn note(&mut self, usage: Option<Usage>, cost: Option<Usd>) {
        self.usage = match (self.usage.take(), usage) {
            (Some(before), Some(now)) => Some(larger(before, now)),
            (before, now) => before.or(now),
        };
        self.cost = self.cost.max(cost);
    }

    /// Notes that the model has stopped: the output does not grow any more.
    pub const fn end(&mut self) {
        self.is_final = true;
    }

    /// Returns the charge of a call that failed after these reports; `None` when nothing was
    /// reported that limits it.
    ///
    /// While the model has not stopped, its output is unknown: the request's maximum is charged.
    pub(super) fn charge(self, max_tokens: u32) -> Option<Charge> {
        let usage = self.usage?;
        if self.is_final {
            return Some(Charge::new(usage, self.cost));
        }
        if usage.total_input() == 0 {
            return None;
        }
        let output = usage.output.max(max_tokens.into());
        Some(Charge::new(Usage { output, estimated: true, ..usage }, None))
    }
}

/// Returns the larger of each count.
fn larger(before: Usage, now: Usage) -> Usage {
    Usage {
        input: before.input.max(now.input),
        output: before.output.max(now.output),
        cache_read: before.cache_read.max(now.cache_read),
        cache_write_5m: before.cache_write_5m.max(now.cache_write_5m),
        cache_write_1h: before.cache_write_1h.max(now.cache_write_1h),
        reasoning: before.reasoning.max(now.reasoning),
        tool_input: before.tool_input.max(now.tool_input),
        audio_input: before.audio_input.max(now.audio_input),
        audio_output: before.audio_output.max(now.audio_output),
        server_tool_calls: before.server_tool_calls.max(now.server_tool_calls),
        service_tier: now.service_tier.or(before.service_tier),
        region: now.region.or(before.region),
        speed: now.speed.or(before.speed),
        estimated: now.estimated,
    }
}

#[cfg(test)]
mod tests {
    use az_core::cost::{Charge, Usage};

    use super::ReportedUsage;
    use crate::provider::anthropic::Anthropic;
    use crate::provider::gemini::Gemini;
    use crate::provider::ollama::Ollama;
    use crate::provider::openai::{Dialect, Interface, OpenAi};
    use crate::provider::wire::{Answered, Wire};

    fn charge(reports: &[Usage], is_final: bool) -> Option<Charge> {
        let mut reported = ReportedUsage::default();
        reports.iter().for_each(|usage| reported.note(Some(usage.clone()), None));
        if is_final {
            reported.end();
        }
        reported.charge(100)
    }

    #[test]
    fn a_failed_call_is_charged_what_was_reported() {
        let (first, last) = (Usage::tokens(10, 1), Usage::tokens(0, 5));
        let paid = |usage| Some(Charge::new(usage, None));
        assert_eq!(charge(&[first.clone(), last], true), paid(Usage::tokens(10, 5)));
        let open = Usage { estimated: true, ..Usage::tokens(10, 100) };
        assert_eq!(charge(&[first], false), paid(open), "the output is not known yet");
        assert_eq!(charge(&[Usage::tokens(0, 5)], false), None, "neither is known");
        assert_eq!(charge(&[], true), None);
    }

    /// Returns the charge of a call whose stream is cut off after these bytes.
    fn cut_off(wire: &dyn Wire, stream: &str) -> Option<Charge> {
        let mut decoder = wire.decoder(Answered { model: "m".to_owned(), ..Answered::default() });
        // Some of the streams say an error themselves.
        let ended = decoder.feed(stream.as_bytes()).and_then(|_| decoder.finish());
        assert!(ended.is_err(), "{stream}: {ended:?}");
        decoder.reported().clone().charge(100)
    }

    #[test]
    fn usage_before_a_failure_is_kept_on_every_wire() {
        let chat = r#"data: {"choices": [{"delta": {"content": "h"}, "finish_reason": "stop"}]}

data: {"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}

"#;
        let filtered = chat.replace("stop", "content_filter") + "data: [DONE]\n\n";
        let responses = r#"data: {"type": "response.incomplete", "response": {"status": "incomplete",
data: "incomplete_details": {"reason": "content_filter"}, "output": [],
data: "usage": {"input_tokens": 10, "output_tokens": 5}}}

"#;
        let anthropic = r#"data: {"type": "message_start", "message": {"usage": {"input_tokens": 10, "output_tokens": 1}}}

data: {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5}}

"#;
        let gemini = r#"data: {"candidates": [{"content": {"parts": []}, "finishReason": "SAFETY"}],
data: "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5}}

"#;
        let ollama = "{\"done\": true, \"prompt_eval_count\": 10, \"eval_count\": 5}\n";
        let by_responses = Dialect::default().with_interface(Interface::Responses);
        let openai = OpenAi::default();
        let wires: [(&dyn Wire, &str); 6] = [
            (&openai, chat),
            (&openai, &filtered),
            (&OpenAi::new(by_responses), responses),
            (&Anthropic, anthropic),
            (&Gemini, gemini),
            (&Ollama::default(), ollama),
        ];
        for (wire, stream) in wires {
            let paid = Charge::new(Usage::tokens(10, 5), None);
            assert_eq!(cut_off(wire, stream), Some(paid), "{wire:?}: {stream}");
        }
    }

    #[test]
    fn while_the_model_writes_the_maximum_of_output_is_charged() {
        let paid = Usage { estimated: true, ..Usage::tokens(10, 100) };
        let paid = Some(Charge::new(paid, None));
        let begun = r#"data: {"type": "message_start", "message": {"usage": {"input_tokens": 10, "output_tokens": 1}}}

"#;
        assert_eq!(cut_off(&Anthropic, begun), paid);
        let running = r#"data: {"choices": [{"delta": {"content": "h"}}], "usage": {"prompt_tokens": 10, "completion_tokens": 1}}

"#;
        assert_eq!(cut_off(&OpenAi::default(), running), paid);
    }
}
