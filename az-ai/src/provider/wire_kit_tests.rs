//! The kit of [`StreamDecoder`], run on the decoder of every wire and on decoders with a fault.

use serde_json::json;

use super::anthropic::Anthropic;
use super::gemini::Gemini;
use super::ollama::Ollama;
use super::openai::{Dialect, Interface, OpenAi};
use super::reported::ReportedUsage;
use super::stream_tests::decode;
use super::tool_names::ToolNames;
use super::wire::{Answered, Delivery, StreamDecoder, Wire};
use crate::chat::{Assembler, ChatEvent, ChatReply, ChatRequest, Ending};
use crate::client::Parameter;
use crate::error::{Error, Result};

/// A wire, and a stream in its format: the text `hé you`, 10 tokens of input and 5 of output.
struct Sample {
    wire: Box<dyn Wire>,
    /// Up to the usage.
    begun: String,
    end: String,
    fault: Option<Fault>,
}

impl Sample {
    fn new(wire: impl Wire, events: &[serde_json::Value], end: &str) -> Self {
        let begun = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        Self { wire: Box::new(wire), begun, end: end.to_owned(), fault: None }
    }

    fn decoder(&self) -> Box<dyn StreamDecoder> {
        let inner = self.wire.decoder(Answered { model: "m".to_owned(), ..Answered::default() });
        match self.fault {
            Some(fault) => Box::new(Bent { inner, fault, dropped: false }),
            None => inner,
        }
    }

    fn stream(&self) -> String {
        format!("{}{}", self.begun, self.end)
    }
}

fn samples(fault: Option<Fault>) -> Vec<Sample> {
    let text = |text: &str| json!({"choices": [{"index": 0, "delta": {"content": text}}]});
    let chat = [
        text("hé "),
        text("you"),
        json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5}}),
    ];
    let item = json!({"type": "message", "content": [{"type": "output_text", "text": "hé you"}]});
    let responses = [
        json!({"type": "response.output_text.delta", "output_index": 0, "delta": "hé "}),
        json!({"type": "response.output_text.delta", "output_index": 0, "delta": "you"}),
        json!({"type": "response.in_progress", "response": {
            "usage": {"input_tokens": 10, "output_tokens": 5}}}),
    ];
    let done = json!({"type": "response.completed", "response": {
        "status": "completed", "output": [item],
        "usage": {"input_tokens": 10, "output_tokens": 5}}});
    let delta = |text: &str| {
        json!({"type": "content_block_delta", "index": 0,
            "delta": {"type": "text_delta", "text": text}})
    };
    let anthropic = [
        json!({"type": "message_start", "message": {
            "usage": {"input_tokens": 10, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0,
            "content_block": {"type": "text", "text": ""}}),
        delta("hé "),
        delta("you"),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 5}}),
    ];
    let chunk = |text: &str, tokens: u64| {
        json!({"candidates": [{"content": {"parts": [{"text": text}]}}],
            "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": tokens}})
    };
    let mut last = chunk("", 5);
    last["candidates"][0]["finishReason"] = json!("STOP");
    let line = |text: &str| format!("{}\n", json!({"message": {"content": text}, "done": false}));
    let by_responses = Dialect::default().with_interface(Interface::Responses);
    let ollama = Sample {
        wire: Box::new(Ollama::default()),
        begun: line("hé ") + &line("you"),
        end: "{\"done\": true, \"done_reason\": \"stop\", \"prompt_eval_count\": 10, \"eval_count\": 5}\n"
            .to_owned(),
        fault: None,
    };
    let mut samples = vec![
        Sample::new(OpenAi::default(), &chat, "data: [DONE]\n\n"),
        Sample::new(OpenAi::new(by_responses), &responses, &format!("data: {done}\n\n")),
        Sample::new(Anthropic, &anthropic, "data: {\"type\": \"message_stop\"}\n\n"),
        Sample::new(Gemini, &[chunk("hé ", 2), chunk("you", 5)], &format!("data: {last}\n\n")),
        ollama,
    ];
    for sample in &mut samples {
        sample.fault = fault;
    }
    samples
}

/// Returns the events of a stream that is fed in these pieces, and the usage that was reported.
fn fed<'a>(
    sample: &Sample,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> (Result<Vec<ChatEvent>>, ReportedUsage) {
    let mut decoder = sample.decoder();
    let mut events = Vec::new();
    for piece in pieces {
        match decoder.feed(piece) {
            Ok(more) => events.extend(more),
            Err(error) => return (Err(error), decoder.reported().clone()),
        }
        if let Some(ChatEvent::Finished(_)) = events.last() {
            return (Ok(events), decoder.reported().clone());
        }
    }
    let ended = decoder.finish().map(|more| events.into_iter().chain(more).collect());
    (ended, decoder.reported().clone())
}

fn reply_of(events: &[ChatEvent]) -> Option<&ChatReply> {
    match events.last() {
        Some(ChatEvent::Finished(reply)) => Some(reply),
        _ => None,
    }
}

/// Checks `StreamDecoder` 1.
fn the_split_of_the_bytes_makes_no_difference(sample: &Sample) -> bool {
    let stream = sample.stream();
    let bytes = stream.as_bytes();
    let seen = |(events, reported): (Result<Vec<ChatEvent>>, _)| (format!("{events:?}"), reported);
    let whole = seen(fed(sample, [bytes]));
    let halves = (0..=bytes.len()).map(|at| bytes.split_at(at));
    let mut split = halves.map(|(head, tail)| seen(fed(sample, [head, tail])));
    split.all(|split| split == whole) && seen(fed(sample, bytes.chunks(1))) == whole
}

/// Checks `StreamDecoder` 2.
fn the_deltas_add_up_to_the_reply_that_comes_last(sample: &Sample) -> bool {
    let Ok(events) = decode(sample.decoder(), [sample.stream().as_bytes()]) else { return false };
    let mut assembler = Assembler::default();
    events.iter().for_each(|event| assembler.add(event));
    let added_up = assembler.finish(Ending::default()).reply.text;
    let finished = events.iter().filter(|event| matches!(event, ChatEvent::Finished(_))).count();
    reply_of(&events).is_some_and(|reply| reply.reply.text == added_up) && finished == 1
}

/// Checks `StreamDecoder` 3.
fn a_stream_that_ends_early_is_truncated_or_complete(sample: &Sample) -> bool {
    let stream = sample.stream();
    let Ok(whole) = decode(sample.decoder(), [stream.as_bytes()]) else { return false };
    let Some(whole) = reply_of(&whole) else { return false };
    let mut cuts = (0..stream.len()).map(|at| fed(sample, [&stream.as_bytes()[..at]]).0);
    let is_right = |cut: Result<Vec<ChatEvent>>| match cut {
        Err(Error::Truncated { .. }) => true,
        // The finish reason came: nothing is missing but usage.
        Ok(events) => reply_of(&events).is_some_and(|reply| reply.reply == whole.reply),
        Err(_) => false,
    };
    cuts.all(is_right)
}

/// Checks `StreamDecoder` 4.
fn all_usage_is_reported_also_after_an_error(sample: &Sample) -> bool {
    let expected = |reported: &ReportedUsage| {
        let usage = reported.charge(100).map(|charge| charge.usage);
        usage.map(|usage| (usage.input, usage.output)) == Some((10, 5))
    };
    let (whole, reported) = fed(sample, [sample.stream().as_bytes()]);
    // Ollama reports usage in the last line, after which nothing is read.
    let in_the_last = !sample.begun.contains("okens") && !sample.begun.contains("okenCount");
    let broken = format!("{}data: {{\n\n", sample.begun);
    let (failed, before) = fed(sample, [broken.as_bytes()]);
    let kept = in_the_last || expected(&before);
    whole.is_ok() && failed.is_err() && expected(&reported) && kept
}

/// A scenario, which returns whether the clause held.
type Scenario = (&'static str, fn(&Sample) -> bool);

const SCENARIOS: [Scenario; 4] = [
    ("split", the_split_of_the_bytes_makes_no_difference),
    ("deltas", the_deltas_add_up_to_the_reply_that_comes_last),
    ("early", a_stream_that_ends_early_is_truncated_or_complete),
    ("usage", all_usage_is_reported_also_after_an_error),
];

fn failed(sample: &Sample) -> Vec<&'static str> {
    let failed = SCENARIOS.iter().filter(|(_, holds)| !holds(sample));
    failed.map(|(name, _)| *name).collect()
}

#[test]
fn every_wire_satisfies_the_contract_of_decoders() {
    for sample in samples(None) {
        assert_eq!(failed(&sample), [""; 0], "{:?}", sample.wire);
    }
}

/// Checks `Wire` 6.
#[test]
fn only_the_fields_of_rejected_parameters_are_changed() {
    let (chat, completions) = (OpenAi::default(), OpenAi::new(Dialect::OPENAI));
    let by_responses = OpenAi::new(Dialect::default().with_interface(Interface::Responses));
    let [options, limit] = [Parameter::StreamOptions, Parameter::MaxTokens];
    let renamed = |from: &str, to: &str| json!({from: null, to: 2048});
    check_adapted(&chat, &[options], &json!({"stream_options": null}));
    check_adapted(&chat, &[limit], &renamed("max_tokens", "max_completion_tokens"));
    check_adapted(&completions, &[limit], &renamed("max_completion_tokens", "max_tokens"));
    check_adapted(&by_responses, &[options, limit], &json!({}));
    for wire in [&Anthropic as &dyn Wire, &Gemini] {
        check_adapted(wire, &[options, limit], &json!({}));
    }
    check_adapted(&Ollama::default(), &[options, limit], &json!({"options": {"num_ctx": 3_000}}));
    for wire in [&chat as &dyn Wire, &completions, &by_responses, &Anthropic, &Gemini] {
        check_adapted(wire, &[Parameter::Temperature, Parameter::Stop], &json!({}));
    }
}

/// Checks what is changed in the body of a streamed request to a model with a window of 3,000 tokens, as a
/// merge patch.
#[track_caller]
fn check_adapted(wire: &dyn Wire, rejected: &[Parameter], changes: &serde_json::Value) {
    let request = ChatRequest::prompt("m", "hi").with_stop(vec!["x".to_owned()]);
    let body = wire.call(&request, Delivery::Streamed, &ToolNames::default()).body;
    let mut adapted = body.clone();
    wire.adapt(&mut adapted, rejected, Some(3_000));
    let mut expected = body;
    for (name, change) in changes.as_object().unwrap() {
        let fields = expected.as_object_mut().unwrap();
        match (fields.remove(name), change) {
            (_, serde_json::Value::Null) => {}
            (Some(serde_json::Value::Object(mut inner)), serde_json::Value::Object(change)) => {
                inner.extend(change.clone());
                fields.insert(name.clone(), inner.into());
            }
            (_, change) => drop(fields.insert(name.clone(), change.clone())),
        }
    }
    assert_eq!(adapted, expected, "{wire:?} {rejected:?}");
}

/// Checks `Wire` 1.
#[test]
fn the_same_request_gives_the_same_body() {
    let request = ChatRequest::prompt("m", "hello");
    for sample in samples(None) {
        let call = || sample.wire.call(&request, Delivery::Streamed, &ToolNames::default());
        assert_eq!(call(), call());
    }
}

/// The fault of a decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Breaks `StreamDecoder` 1. Expects that a piece ends with a line.
    LosesHalfLines,
    /// Breaks `StreamDecoder` 2.
    DropsTheFirstDelta,
    /// Breaks `StreamDecoder` 3.
    TakesAPartForTheWhole,
    /// Breaks `StreamDecoder` 4.
    ForgetsUsage,
}

#[derive(Debug)]
struct Bent {
    inner: Box<dyn StreamDecoder>,
    fault: Fault,
    dropped: bool,
}

impl StreamDecoder for Bent {
    fn feed(&mut self, bytes: &[u8]) -> Result<Vec<ChatEvent>> {
        let bytes = match (self.fault, bytes) {
            (Fault::LosesHalfLines, [.., b'\n']) => bytes,
            (Fault::LosesHalfLines, _) => &[],
            _ => bytes,
        };
        let mut events = self.inner.feed(bytes)?;
        if self.fault == Fault::DropsTheFirstDelta && !self.dropped {
            let is_delta = |event: &ChatEvent| matches!(event, ChatEvent::TextDelta { .. });
            let first = events.iter().position(is_delta);
            self.dropped = first.map(|first| events.remove(first)).is_some();
        }
        Ok(events)
    }

    fn finish(&mut self) -> Result<Vec<ChatEvent>> {
        match self.inner.finish() {
            Err(Error::Truncated { .. }) if self.fault == Fault::TakesAPartForTheWhole => {
                Ok(vec![ChatEvent::Finished(Box::default())])
            }
            ended => ended,
        }
    }

    fn is_ending(&self) -> bool {
        self.inner.is_ending()
    }

    fn reported(&self) -> &ReportedUsage {
        static NOTHING: std::sync::LazyLock<ReportedUsage> =
            std::sync::LazyLock::new(ReportedUsage::default);
        match self.fault {
            Fault::ForgetsUsage => &NOTHING,
            _ => self.inner.reported(),
        }
    }
}

#[test]
fn every_fault_of_a_decoder_fails_the_scenario_of_its_clause() {
    for (fault, expected) in [
        (Fault::LosesHalfLines, "split"),
        (Fault::DropsTheFirstDelta, "deltas"),
        (Fault::TakesAPartForTheWhole, "early"),
        (Fault::ForgetsUsage, "usage"),
    ] {
        for sample in samples(Some(fault)) {
            assert_eq!(failed(&sample), [expected], "{fault:?} {:?}", sample.wire);
        }
    }
}
