//! Digests of the parts of requests, to find where a request differs from the one before it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Digests of the parts of a request, in the order in which providers cache them.
///
/// Equal parts have equal digests, whichever process computes them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RequestDigests {
    /// The digest of the tools.
    pub tools: String,
    /// The digest of the system text.
    pub system: String,
    /// The digests of the messages after the system text.
    pub messages: Vec<String>,
    /// The estimated tokens of the request.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tokens: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// A part of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestPart {
    /// The tools.
    Tools,
    /// The system text.
    System,
    /// A message, by its number; the first one after the system text is 1.
    Message(usize),
}

impl fmt::Display for RequestPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tools => f.write_str("the tools"),
            Self::System => f.write_str("the system text"),
            Self::Message(number) => write!(f, "message {number}"),
        }
    }
}

/// The digests of a request as an intent records them: the difference to the last request to the same model
/// that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SentRequest {
    /// The digest of the tools, unless it is as before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<String>,
    /// The digest of the system text, unless it is as before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// The number of messages, from the first one, that are as before.
    pub kept: usize,
    /// The digests of the messages after them.
    pub messages: Vec<String>,
    /// The first part of the request before that this one does not begin with, although no recorded
    /// decision changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<RequestPart>,
    /// The estimated tokens of the request; zero in records of earlier versions.
    #[serde(skip_serializing_if = "is_zero")]
    pub tokens: u64,
}

impl RequestDigests {
    /// Returns the request as it is recorded after another one; `self` is the other one.
    pub(super) fn followed_by(&self, next: &Self) -> SentRequest {
        let same = |(before, now): &(&String, &String)| before == now;
        let kept = self.messages.iter().zip(&next.messages).take_while(same).count();
        let changed = if self.tools != next.tools {
            Some(RequestPart::Tools)
        } else if self.system != next.system {
            Some(RequestPart::System)
        } else {
            (kept < self.messages.len()).then_some(RequestPart::Message(kept + 1))
        };
        let new = |before: &str, now: &String| (before != now).then(|| now.clone());
        SentRequest {
            tools: new(&self.tools, &next.tools),
            system: new(&self.system, &next.system),
            kept,
            messages: next.messages.iter().skip(kept).cloned().collect(),
            changed,
            tokens: next.tokens,
        }
    }

    /// Takes over a recorded request that followed this one.
    fn advance(&mut self, sent: &SentRequest) {
        if let Some(tools) = &sent.tools {
            self.tools.clone_from(tools);
        }
        if let Some(system) = &sent.system {
            self.system.clone_from(system);
        }
        self.messages.truncate(sent.kept);
        self.messages.extend_from_slice(&sent.messages);
        self.tokens = sent.tokens;
    }
}

/// The last requests that were answered, one for each model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SentRequests(Vec<SentTo>);

/// The last request to a model that was answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct SentTo {
    provider: String,
    model: String,
    digests: RequestDigests,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    counted: Option<CountedRequest>,
}

/// The tokens of a request, as they were estimated and as its provider counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CountedRequest {
    /// The estimated tokens.
    pub estimated: u64,
    /// The counted tokens.
    pub counted: u64,
}

impl CountedRequest {
    /// Creates the counts of a request.
    pub const fn new(estimated: u64, counted: u64) -> Self {
        Self { estimated, counted }
    }
}

impl SentRequests {
    /// Returns whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns a request to a model as an intent records it.
    pub fn record(&self, model: (&str, &str), request: &RequestDigests) -> SentRequest {
        match self.0.iter().find(|sent| sent.is_to(model)) {
            Some(before) => before.digests.followed_by(request),
            None => SentRequest { changed: None, ..RequestDigests::default().followed_by(request) },
        }
    }

    /// Takes over a recorded request to a model that was answered.
    pub(super) fn add(&mut self, model: (&str, &str), request: &SentRequest) {
        if let Some(before) = self.0.iter_mut().find(|sent| sent.is_to(model)) {
            before.digests.advance(request);
            return;
        }
        let mut digests = RequestDigests::default();
        digests.advance(request);
        let (provider, model) = (model.0.to_owned(), model.1.to_owned());
        self.0.push(SentTo { provider, model, digests, counted: None });
    }

    /// Notes how many tokens the provider counted of the last request to a model.
    pub(super) fn count(&mut self, model: (&str, &str), counted: u64) {
        if let Some(sent) = self.0.iter_mut().find(|sent| sent.is_to(model)) {
            let estimated = sent.digests.tokens;
            sent.counted = (estimated > 0).then_some(CountedRequest { estimated, counted });
        }
    }

    /// Returns the tokens of the last request to a model whose tokens its provider counted.
    pub fn counted(&self, model: (&str, &str)) -> Option<CountedRequest> {
        self.0.iter().find(|sent| sent.is_to(model))?.counted
    }

    /// Forgets the messages that were sent, because a recorded decision changes them: those to one model if
    /// given, else those to all.
    pub(super) fn forget_messages(&mut self, model: Option<(&str, &str)>) {
        for sent in &mut self.0 {
            if model.is_none_or(|model| sent.is_to(model)) {
                sent.digests.messages.clear();
            }
        }
    }
}

impl SentTo {
    fn is_to(&self, (provider, model): (&str, &str)) -> bool {
        self.provider == provider && self.model == model
    }
}

/// A request that did not begin with the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PrefixChange {
    /// The number of the step, from 1.
    pub step: u32,
    /// The first part that changed.
    pub part: RequestPart,
}

#[cfg(test)]
mod tests {
    use super::{RequestDigests, RequestPart, SentRequest, SentRequests};

    fn request(tools: &str, system: &str, messages: &[&str]) -> RequestDigests {
        let messages = messages.iter().map(|&text| text.to_owned()).collect();
        let (tools, system) = (tools.to_owned(), system.to_owned());
        RequestDigests { tools, system, messages, tokens: 0 }
    }

    const M: (&str, &str) = ("p", "m");

    #[test]
    fn the_first_part_that_changed_is_named_in_the_order_of_the_cache() {
        let before = request("t", "s", &["a", "b", "c"]);
        for (after, changed) in [
            (request("t", "s", &["a", "b", "c"]), None),
            (request("t", "s", &["a", "b", "c", "d"]), None),
            (request("u", "z", &["x"]), Some(RequestPart::Tools)),
            (request("t", "z", &["x"]), Some(RequestPart::System)),
            (request("t", "s", &["x", "b", "c", "d"]), Some(RequestPart::Message(1))),
            (request("t", "s", &["a", "b", "x"]), Some(RequestPart::Message(3))),
            (request("t", "s", &["a"]), Some(RequestPart::Message(2))),
        ] {
            let mut sent = SentRequests::default();
            sent.add(M, &sent.record(M, &before));
            let recorded = sent.record(M, &after);
            assert_eq!(recorded.changed, changed, "{after:?}");
            sent.add(M, &recorded);
            let repeated = SentRequest { kept: after.messages.len(), ..SentRequest::default() };
            assert_eq!(sent.record(M, &after), repeated, "{after:?}");
        }
    }

    #[test]
    fn a_request_is_recorded_as_the_difference_to_the_one_before() {
        let mut sent = SentRequests::default();
        let first = sent.record(M, &request("t", "s", &["a"]));
        assert_eq!(
            serde_json::to_string(&first).unwrap(),
            r#"{"tools":"t","system":"s","kept":0,"messages":["a"]}"#
        );
        sent.add(M, &first);
        let second = sent.record(M, &request("t", "s", &["a", "b"]));
        assert_eq!(serde_json::to_string(&second).unwrap(), r#"{"kept":1,"messages":["b"]}"#);
    }

    #[test]
    fn models_and_recorded_cuts_are_told_apart() {
        let mut sent = SentRequests::default();
        let other = ("p", "n");
        for model in [M, other] {
            sent.add(model, &sent.record(model, &request("t", "s", &["a", "b"])));
        }
        let cut = request("t", "s", &["x"]);
        sent.forget_messages(Some(M));
        assert_eq!(sent.record(M, &cut).changed, None);
        assert_eq!(sent.record(other, &cut).changed, Some(RequestPart::Message(1)));
        let tools = request("u", "s", &["x"]);
        assert_eq!(sent.record(M, &tools).changed, Some(RequestPart::Tools));
        sent.forget_messages(None);
        assert_eq!(sent.record(other, &cut).changed, None);
        assert_eq!(sent.record(("q", "m"), &cut).changed, None, "nothing was sent before");
    }
}
