//! Builds the prompts of a step for each candidate.

use std::sync::{Arc, Mutex, PoisonError};

use az_core::call::Restart;
use az_core::engine::{Emitter, RunEventKind};
use az_core::journal::{ContextCut, ModelReply, Purpose, RequestDigests};
use az_core::{ErrorKind, Run};

use super::compaction::{Fit, Fitted, Limits, fit, summary_after, summary_of_description};
use super::cut;
use super::decide::turns_to_summarise;
use super::full_context::full_context;
use super::measure::Measure;
use super::prompt::Protocol;
use super::prompt_context::{PromptContext, protocol, view};
use super::prompt_record::with_announced_names;
use super::request_digests::request_digests;
use super::text_protocol::{self, OBSERVATION};
use super::transcript::{View, build};
use super::written_calls;
use crate::chat::{CacheHints, ChatEvent, ChatReply, ChatRequest, Effort, Message};
use crate::client::Capabilities;
use crate::dispatch::{Delivery, Prompt, Rejection};
use crate::resolver::Candidate;

/// The largest window, in tokens, in which requests are measured by what the provider counted. In a larger one,
/// an estimate that is too high costs little of it, and long requests cost more than a cut does.
const SMALL_WINDOW: u64 = 32_768;

/// The prompt of a step, or of a summary of earlier steps.
#[derive(Debug)]
pub(super) struct StepPrompt<'a> {
    pub(super) context: &'a PromptContext<'a>,
    /// The candidates for the step.
    pub(super) candidates: &'a [Candidate],
    pub(super) purpose: Purpose,
    /// Whether a summary is requested with a description of the conversation, instead of after it.
    pub(super) describes: bool,
    /// Whether the cache of the first candidate's provider has probably expired.
    pub(super) is_cold: bool,
    pub(super) emitter: Emitter,
    /// The cut in the last request that is not recorded yet.
    cut: Mutex<Option<ContextCut>>,
}

impl<'a> StepPrompt<'a> {
    /// Creates the prompt of a step.
    pub(super) fn new(
        context: &'a PromptContext<'a>,
        candidates: &'a [Candidate],
        emitter: Emitter,
    ) -> Self {
        let (purpose, cut) = (Purpose::Step, Mutex::default());
        Self { context, candidates, purpose, describes: false, is_cold: false, emitter, cut }
    }

    /// Returns the request of the step to a candidate, with results cut if necessary.
    pub(super) fn fitted(&self, run: &Run, candidate: &Candidate) -> Fitted {
        let options = self.context.options;
        let compact_at = self.window(candidate);
        let limits = Limits {
            is_largest: self.candidates.iter().all(|other| self.window(other) <= compact_at),
            compact_at,
            window: self.whole_window(candidate),
            can_summarise: turns_to_summarise(run.history(), options.keep_turns).is_some(),
            is_cold: self.is_cold,
            measure: self.measure(run, candidate),
        };
        let view = self.view(candidate);
        fit(limits, options, (run.history(), view), |view| self.built(run, candidate, view))
    }

    /// Returns the view of the journal for a candidate.
    fn view<'c>(&self, candidate: &'c Candidate) -> View<'c> {
        let model = (candidate.model.client.provider(), &*candidate.model.model);
        let view = view(model, capabilities(candidate), self.context.options);
        View { omissions: self.context.omissions(), ..view }
    }

    /// Builds the request of the step, whether it fits or not.
    fn built(&self, run: &Run, candidate: &Candidate, view: View<'_>) -> ChatRequest {
        let system = self.context.system(run, view.protocol);
        let messages = build(system, run.task(), run.history(), view);
        let most = capabilities(candidate).max_output;
        let own = run.history().turns.get(run.task().steps_before_command()..);
        let max_tokens = cut::raised(self.max_tokens(candidate), most, own.unwrap_or_default());
        let hints = CacheHints::of(run.task().conversation().as_str())
            .with_boundaries(boundaries(&messages))
            .expecting_pause(self.context.expects_pause);
        let request = ChatRequest::new(&*candidate.model.model, messages)
            .with_cache(hints)
            .with_temperature(self.context.options.temperature)
            .with_effort(run.task().options.effort.map(Effort::from))
            .with_max_tokens(max_tokens);
        match view.protocol {
            Protocol::Native => request.with_tools(Arc::clone(&self.context.tools)),
            Protocol::Text => request.with_stop(vec![format!("\n{OBSERVATION}")]),
        }
    }

    /// Builds the request for a summary of the first turns.
    fn summary(&self, run: &Run, candidate: &Candidate, turns: usize) -> ChatRequest {
        let (limit, options) = (self.window(candidate), self.context.options);
        let windows = (limit, self.whole_window(candidate));
        let step = || self.built(run, candidate, self.view(candidate));
        let after = (!self.describes)
            .then(|| summary_after(step(), windows, self.measure(run, candidate), options))
            .flatten();
        let request = after.unwrap_or_else(|| {
            let said: Vec<String> = run.task().said().map(|said| said.text).collect();
            let (model, command) = (&candidate.model.model, said.join("\n\n"));
            summary_of_description(model, &command, run.history(), turns, (limit, options))
        });
        let max_tokens = request.max_tokens.min(self.max_tokens(candidate));
        request.with_max_tokens(max_tokens)
    }

    /// Takes the cut in the last request that is not recorded yet.
    pub(super) fn take_cut(&self) -> Option<ContextCut> {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Returns the context window of a candidate.
    fn whole_window(&self, candidate: &Candidate) -> u64 {
        capabilities(candidate).context_window.unwrap_or(self.context.options.context_window)
    }

    /// Returns the measure of requests to a candidate.
    pub(super) fn measure(&self, run: &Run, candidate: &Candidate) -> Measure {
        let model = (candidate.model.client.provider(), &*candidate.model.model);
        let is_small = self.whole_window(candidate) <= SMALL_WINDOW;
        let counted = run.history().context.sent.counted(model);
        Measure::new(counted.filter(|_| is_small))
    }

    /// Reads calls that the model wrote as text.
    fn read_calls(&self, reply: ModelReply, request: &ChatRequest) -> ModelReply {
        let tools = self.context.callable();
        with_announced_names(written_calls::read(reply, request, &tools), &tools)
    }

    /// Returns the maximum of output tokens: that of the options or of the model, whichever is
    /// less.
    fn max_tokens(&self, candidate: &Candidate) -> u32 {
        let most = capabilities(candidate).max_output.and_then(|most| u32::try_from(most).ok());
        self.context.options.max_tokens.min(most.unwrap_or(u32::MAX))
    }
}

impl Prompt<Run> for StepPrompt<'_> {
    fn purpose(&self) -> Purpose {
        self.purpose.clone()
    }

    fn window(&self, candidate: &Candidate) -> u64 {
        self.context.options.limit(capabilities(candidate).context_window)
    }

    fn request(&self, run: &Run, candidate: &Candidate) -> Option<ChatRequest> {
        match &self.purpose {
            Purpose::Step => {
                let Fitted { request, fit, cut } = self.fitted(run, candidate);
                let fits = fit == Fit::Fits;
                *self.cut.lock().unwrap_or_else(PoisonError::into_inner) = cut.filter(|_| fits);
                fits.then_some(request)
            }
            Purpose::Summary { turns } => Some(self.summary(run, candidate, *turns)),
        }
    }

    /// Returns none for a request with a cut that is recorded only if it is answered: it does not begin with the
    /// one before. A summary is requested after the conversation, and is not part of it.
    fn digests(&self, request: &ChatRequest) -> Option<RequestDigests> {
        let cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        (self.purpose == Purpose::Step && cut.is_none()).then(|| request_digests(request))
    }

    fn delivery(&self) -> Delivery {
        Delivery::Streamed
    }

    /// Emits the deltas of steps, but not those of summaries.
    fn on_event(&self, event: &ChatEvent) {
        if self.purpose != Purpose::Step {
            return;
        }
        let kind = match event {
            ChatEvent::TextDelta { text } => RunEventKind::TextDelta { text: text.clone() },
            ChatEvent::ReasoningDelta { text } => {
                RunEventKind::ReasoningDelta { text: text.clone() }
            }
            ChatEvent::CallStarted { .. }
            | ChatEvent::CallDelta { .. }
            | ChatEvent::UsageReported { .. }
            | ChatEvent::Finished(_) => return,
        };
        self.emitter.emit(kind);
    }

    fn restart(&self) -> Restart {
        Restart::Allowed
    }

    fn accept(
        &self,
        candidate: &Candidate,
        request: &ChatRequest,
        chat: &ChatReply,
    ) -> Result<ModelReply, Rejection> {
        if let Some(rejection) = full_context(&*candidate.model.client, request, chat) {
            return Err(rejection);
        }
        let (reply, max_tokens) = (chat.reply.clone(), request.max_tokens);
        let protocol = protocol(capabilities(candidate));
        match (&self.purpose, protocol) {
            (Purpose::Step, Protocol::Text) => {
                let read = text_protocol::read(reply.clone());
                let is_plain = read.calls.is_empty() && read.text == reply.text.trim();
                let read = if is_plain { self.read_calls(read, request) } else { read };
                Ok(cut::noted(read, max_tokens))
            }
            (Purpose::Step, Protocol::Native) => {
                Ok(cut::noted(self.read_calls(reply, request), max_tokens))
            }
            (Purpose::Summary { .. }, _) if reply.text.trim().is_empty() => {
                let message = "the model was asked for a summary and returned no text";
                // The same request is not made again: a description of the conversation is tried next.
                let kind = if self.describes { ErrorKind::Protocol } else { ErrorKind::Agent };
                Err(Rejection::new(kind, message))
            }
            // The calls of a summary are ignored, even if the model makes some.
            (Purpose::Summary { .. }, _) => Ok(ModelReply { calls: Vec::new(), ..reply }),
        }
    }
}

/// Returns where a request is likely to have a prefix in common with later ones: after the system text,
/// after the task or the summary, where the request before ended, and at its end.
fn boundaries(messages: &[Message]) -> Vec<usize> {
    let is_reply = |message: &Message| matches!(message, Message::Assistant { .. });
    let task = messages.iter().position(is_reply).unwrap_or(messages.len());
    let before = messages.iter().rposition(is_reply).unwrap_or(messages.len());
    vec![1, task, before, messages.len()]
}

fn capabilities(candidate: &Candidate) -> Capabilities {
    candidate.model.client.capabilities(&candidate.model.model)
}
