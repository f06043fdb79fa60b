//! The usage that a provider has reported in a reply so far.

use az_core::Usd;
use az_core::cost::{Charge, Usage};

use crate::chat::ChatEvent;
use crate::estimate::{Least, Vocabulary, text_at_most};

/// The usage that a provider has reported in a reply so far: what a call that fails is charged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReportedUsage {
    usage: Option<Usage>,
    cost: Option<Usd>,
    /// Whether the model had stopped when it was reported.
    is_final: bool,
    /// The most tokens of what was received, and of the part of it that came after the last report.
    received: u64,
    unreported: u64,
    /// The least tokens of the text and the calls that were received.
    least: Least,
    /// Whether the event that is being decoded has a report.
    is_fresh: bool,
}

impl ReportedUsage {
    /// Adds a report. Counts only grow, so of two reports the larger count stands.
    pub fn note(&mut self, usage: Option<Usage>, cost: Option<Usd>) {
        self.is_fresh |= usage.is_some();
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

    /// Adds the content of an event of the provider, after its usage was noted. A report covers
    /// the content of its own event and of earlier ones.
    pub(crate) fn receive(&mut self, events: &[ChatEvent]) {
        let tokens = events.iter().map(most_tokens).fold(0, u64::saturating_add);
        events.iter().filter_map(counted).for_each(|text| self.least.add(text));
        self.received = self.received.saturating_add(tokens);
        let is_covered = std::mem::take(&mut self.is_fresh);
        self.unreported = if is_covered { 0 } else { self.unreported.saturating_add(tokens) };
    }

    /// Returns the charge of a call that failed after these reports; `None` when nothing was
    /// reported that limits it.
    ///
    /// While the model has not stopped, its output is what was reported, and the most tokens of
    /// the text that was received since then. If there is neither, it is unknown, and the
    /// request's maximum is charged.
    pub(super) fn charge(&self, max_tokens: u32) -> Option<Charge> {
        let usage = self.usage.clone()?;
        if !self.is_final && usage.total_input() == 0 {
            return None;
        }
        let reported = usage.total_output();
        let output = self.output(reported, max_tokens.into());
        let estimated = usage.estimated || !self.is_final || output != reported;
        let output = usage.output.saturating_add(output.saturating_sub(reported));
        Some(Charge::new(Usage { output, estimated, ..usage }, self.cost))
    }

    /// Returns the tokens of output, of which these were reported. Not less than them.
    fn output(&self, reported: u64, max_tokens: u64) -> u64 {
        let known = if self.is_final {
            reported
        } else if self.received == 0 {
            max_tokens
        } else {
            reported.saturating_add(self.unreported).min(max_tokens)
        };
        let known = known.max(reported);
        // Of a text that is not empty, at least one token.
        let least = self.least.tokens().max(u64::from(self.received > 0));
        if known < least { self.received } else { known }
    }
}

/// Returns the content of an event.
fn content(event: &ChatEvent) -> Option<&str> {
    match event {
        ChatEvent::TextDelta { text } | ChatEvent::ReasoningDelta { text } => Some(text),
        ChatEvent::CallStarted { name, .. } => Some(name),
        ChatEvent::CallDelta { arguments, .. } => Some(arguments),
        ChatEvent::UsageReported { .. } | ChatEvent::Finished(_) => None,
    }
}

/// Returns the most tokens of the content of an event.
fn most_tokens(event: &ChatEvent) -> u64 {
    content(event).map_or(0, |text| text_at_most(text, Vocabulary::Unknown))
}

/// Returns the content that certainly counts as output. Reasoning may be a summary, which does not.
fn counted(event: &ChatEvent) -> Option<&str> {
    content(event).filter(|_| !matches!(event, ChatEvent::ReasoningDelta { .. }))
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
    use az_core::{ErrorKind, Usd};
    use serde_json::json;

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
        decoder.reported().charge(100)
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
        let error = "data: {\"type\": \"error\", \"error\": {\"message\": \"gone\"}}\n\n";
        let by_responses = Dialect::default().with_interface(Interface::Responses);
        let openai = OpenAi::default();
        let wires: [(&dyn Wire, &str); 6] = [
            (&openai, &(chat.to_owned() + error)),
            (&openai, &filtered),
            (&OpenAi::new(by_responses), responses),
            (&Anthropic, &(anthropic.to_owned() + error)),
            (&Gemini, gemini),
            (&Ollama::default(), ollama),
        ];
        for (wire, stream) in wires {
            let paid = Charge::new(Usage::tokens(10, 5), None);
            assert_eq!(cut_off(wire, stream), Some(paid), "{wire:?}: {stream}");
        }
    }

    /// Returns an event of a stream of server-sent events.
    fn event(json: &serde_json::Value) -> String {
        format!("data: {json}\n\n")
    }

    #[test]
    fn what_was_reported_and_received_while_the_model_writes_is_charged_on_every_wire() {
        let chat = |usage: serde_json::Value| {
            event(&json!({"choices": [{"delta": {"content": "hello"}}], "usage": usage}))
        };
        let running = chat(json!({"prompt_tokens": 10, "completion_tokens": 1}));
        let goes_on = running.clone() + &chat(json!(null));
        let start = event(&json!({
            "type": "message_start",
            "message": {"usage": {"input_tokens": 10, "output_tokens": 1}},
        }));
        let block = event(&json!({
            "type": "content_block_start", "index": 0,
            "content_block": {"type": "text", "text": "hello"},
        }));
        let gemini = event(&json!({
            "candidates": [{"content": {"parts": [{"text": "hello"}]}}],
            "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 2},
        }));
        let openai = OpenAi::default();
        let wires: [(&dyn Wire, String, u64); 5] = [
            (&openai, running, 1),
            (&openai, goes_on, 1 + 5),
            (&Anthropic, start.clone() + &block, 1 + 5),
            (&Anthropic, start, 100),
            (&Gemini, gemini, 2),
        ];
        for (wire, stream, output) in wires {
            let paid = Usage { estimated: true, ..Usage::tokens(10, output) };
            assert_eq!(cut_off(wire, &stream), Some(Charge::new(paid, None)), "{wire:?}: {stream}");
        }
    }

    #[test]
    fn usage_that_is_too_small_for_the_received_text_is_completed() {
        let said = "words ".repeat(100);
        let text = event(&json!({"choices": [{"delta": {"content": said}}]}));
        let end = event(&json!({
            "choices": [{"delta": {}, "finish_reason": "content_filter"}],
            "usage": {"prompt_tokens": 10, "completion_tokens": 0},
        }));
        // 100 words of six bytes: at least 100 tokens, at most 600.
        for (reported, booked) in [(0, 600), (50, 600), (99, 600), (100, 100)] {
            let end = end
                .replace("\"completion_tokens\":0", &format!("\"completion_tokens\":{reported}"));
            let estimated = booked != reported;
            let paid = Usage { estimated, ..Usage::tokens(10, booked) };
            let filtered = text.clone() + &end + "data: [DONE]\n\n";
            assert_eq!(cut_off(&OpenAi::default(), &filtered), Some(Charge::new(paid, None)));
        }
    }

    /// The words, the usage and the cost of a filtered reply are kept, whole and streamed.
    #[test]
    fn a_filtered_reply_keeps_what_came_on_every_wire() {
        let usage = json!({"prompt_tokens": 10, "completion_tokens": 5, "cost": 0.000_1});
        let chat = |part: &str| {
            json!({
                "choices": [{part: {"refusal": "I can not."}, "finish_reason": "content_filter"}],
                "usage": usage,
            })
        };
        let answer = json!({
            "status": "incomplete", "incomplete_details": {"reason": "content_filter"},
            "output": [{"type": "message", "content": [{"type": "refusal", "refusal": "I can not."}]}],
            "usage": {"input_tokens": 10, "output_tokens": 5, "cost": 0.000_1},
        });
        let gemini = json!({
            "candidates": [{
                "content": {"parts": [{"text": "I can not."}]}, "finishReason": "SAFETY",
            }],
            "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5},
        });
        let anthropic = json!({
            "content": [{"type": "text", "text": "I can not."}], "stop_reason": "refusal",
            "usage": {"input_tokens": 10, "output_tokens": 5},
        });
        let openai = OpenAi::default();
        let responses = OpenAi::new(Dialect::default().with_interface(Interface::Responses));
        let done = json!({"type": "response.incomplete", "response": answer});
        let blocks = [
            json!({"type": "message_start", "message": {"usage": {"input_tokens": 10}}}),
            json!({"type": "content_block_start", "index": 0,
                "content_block": {"type": "text", "text": "I can not."}}),
            json!({"type": "message_delta", "delta": {"stop_reason": "refusal"},
                "usage": {"output_tokens": 5}}),
            json!({"type": "message_stop"}),
        ];
        let wires: [(&dyn Wire, serde_json::Value, String, bool); 4] = [
            (&openai, chat("message"), event(&chat("delta")) + "data: [DONE]\n\n", true),
            (&responses, answer, event(&done), true),
            (&Gemini, gemini.clone(), event(&gemini), false),
            (&Anthropic, anthropic, blocks.iter().map(event).collect(), false),
        ];
        for (wire, whole, streamed, has_cost) in wires {
            let mut decoder = wire.decoder(Answered::default());
            let ended = decoder.feed(streamed.as_bytes()).and_then(|_| decoder.finish());
            let refused = wire.reply(whole.to_string().as_bytes(), Answered::default());
            for error in [ended.unwrap_err(), refused.unwrap_err()] {
                assert_eq!(error.kind(), ErrorKind::ContentPolicy, "{wire:?}");
                assert!(error.to_string().contains("I can not."), "{wire:?}: {error}");
            }
            let cost = has_cost.then(|| Usd::from_nanos(100_000));
            let paid = Some(Charge::new(Usage::tokens(10, 5), cost));
            let mut reported = ReportedUsage::default();
            wire.note_usage(&whole, &mut reported);
            assert_eq!(
                (decoder.reported().charge(100), reported.charge(100)),
                (paid.clone(), paid)
            );
        }
    }
}
