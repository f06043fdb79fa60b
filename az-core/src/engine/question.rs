//! Questions that calls ask a person before they are made.

use super::run::Run;
use crate::approval::{Reply, call_digest};
use crate::error::{Error, Result};
use crate::id::CallId;
use crate::journal::{EventBody, NewEvent};
use crate::task::{UnattendedMode, Waiting};
use crate::tool::{PreparedCall, Question, ToolSpec};

/// What the model sees if the person does not answer.
const DECLINED: &str = "not answered: continue without an answer";

/// Returns the error for a call of a tool that asks a person, where no one can answer.
pub(super) fn no_one_to_ask(tool: &str) -> Error {
    let reason = "no one can answer it now; decide yourself, and say so in the answer";
    Error::invalid("tool", format!("{tool} asks a question, and {reason}"))
}

impl Run {
    /// Returns `true` if a tool is offered: one that asks a person only if the question can be answered.
    pub(super) fn offers(&self, spec: &ToolSpec) -> bool {
        self.may_use(&spec.name) && (!spec.asks_person || self.can_be_answered())
    }

    /// Returns `true` if a call may be of a tool: one that is offered, or that asked its question when it
    /// was and has the answer.
    pub(super) fn may_call(&self, call: &CallId, spec: &ToolSpec) -> bool {
        let is_answered = || self.history.call(call).is_some_and(|record| record.answer.is_some());
        self.is_check(call, spec)
            || self.offers(spec)
            || (self.may_use(&spec.name) && is_answered())
    }

    /// Returns `true` if someone is there to answer, or the task waits for an answer.
    pub(super) fn can_be_answered(&self) -> bool {
        self.context.approver.is_attended() || self.unattended_mode() == UnattendedMode::Wait
    }

    /// Returns the call with the answer to its question, if it asks one; the reason for the model if the
    /// question was not answered. A recorded answer is not asked for again.
    ///
    /// # Errors
    ///
    /// If no one can be asked, `Waiting` for a task that is to wait, else `ApprovalRequired`; the stop
    /// reason if the run is stopped meanwhile.
    pub(super) async fn answered(
        &mut self,
        mut call: PreparedCall,
    ) -> Result<Result<PreparedCall, String>> {
        let Some(question) = call.question.clone() else { return Ok(Ok(call)) };
        let digest = call_digest(&call.invocation.tool, &call.invocation.arguments);
        let record = self.history.call(&call.invocation.call);
        let (text, reason) = match record.and_then(|record| record.answer.clone()) {
            Some((answered, text)) if answered == digest => {
                (text, record.and_then(|record| record.denial.clone()))
            }
            Some(_) => {
                let other = "the recorded answer is for other arguments: call the tool again";
                return Ok(Err(other.to_owned()));
            }
            None => (self.ask_person(&call, &question, digest).await?, None),
        };
        Ok(match (text, reason) {
            (Some(text), _) if !question.takes(&text) => {
                let options = question.options.join(", ");
                Err(format!("not answered: {text:?} is none of the answers: {options}"))
            }
            (Some(text), _) => {
                call.invocation.answer = Some(text);
                Ok(call)
            }
            (None, Some(reason)) => Err(format!("not answered: {reason}")),
            (None, None) => Err(DECLINED.to_owned()),
        })
    }

    /// Asks the question and records the answer; returns `None` if the person declines.
    async fn ask_person(
        &mut self,
        call: &PreparedCall,
        question: &Question,
        digest: String,
    ) -> Result<Option<String>> {
        let id = call.invocation.call.clone();
        let tool = call.invocation.tool.clone();
        if self.history.call(&id).is_none_or(|record| !record.questioned) {
            let Question { text, options } = question.clone();
            let (tool, digest) = (tool.clone(), digest.clone());
            let body = EventBody::QuestionAsked { tool, digest, question: text, options };
            self.append(vec![NewEvent::about(id.clone(), body)]).await?;
        }
        let stop = self.stop.clone();
        let reply = tokio::select! {
            biased;
            () = stop.requested() => return self.check_stop().map(|()| None),
            reply = self.context.approver.answer(&self.task, call, question) => reply?,
        };
        let (by, text) = match reply {
            Reply::Text { by, text } => (by, Some(text)),
            Reply::Declined { by } => (by, None),
            Reply::Unattended => {
                let waiting = Waiting::for_answer(id, tool, digest);
                return Err(self.unattended(waiting.with_reason(&*question.text)));
            }
        };
        let body = EventBody::QuestionAnswered { digest, by, text: text.clone(), reason: None };
        self.append_result(vec![NewEvent::about(id, body)]).await?;
        Ok(text)
    }

    /// Returns the error that ends the run at a call that no one can be asked about, and parks the task if
    /// it is to wait.
    pub(super) fn unattended(&mut self, waiting: Waiting) -> Error {
        match self.unattended_mode() {
            UnattendedMode::Deny => {
                Error::ApprovalRequired { tool: waiting.tool, reason: waiting.reason }
            }
            UnattendedMode::Wait => {
                let what = waiting.in_words();
                self.parking = Some(waiting);
                Error::Waiting { task: self.task.id.clone(), what }
            }
        }
    }

    fn unattended_mode(&self) -> UnattendedMode {
        self.task.options.unattended.unwrap_or(self.context.options.unattended)
    }
}
