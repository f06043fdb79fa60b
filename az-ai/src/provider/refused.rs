//! What becomes of an answer that is no success, and of our key in what a server says.

use az_core::ErrorKind;

use super::http::{Answer, Credentials};
use crate::chat::{ChatEvent, ChatReply};
use crate::error::{Error, Refusal, Result};

/// Returns what a status means, where a server says nothing more telling.
pub(super) const fn kind_of_status(status: u16) -> ErrorKind {
    match status {
        300..400 => ErrorKind::Config,
        401..=403 => ErrorKind::Unauthorized,
        404 => ErrorKind::NotFound,
        408 | 409 => ErrorKind::Unavailable,
        429 => ErrorKind::RateLimited,
        400..500 => ErrorKind::BadRequest,
        _ => ErrorKind::Unavailable,
    }
}

impl Credentials<'_> {
    /// Lets a success pass; anything else is an error, as `read` understands its status and body.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`], without our key in it.
    pub(crate) async fn accept(
        &self,
        answer: Answer,
        read: impl FnOnce(u16, &[u8]) -> Refusal,
    ) -> Result<Answer> {
        let status = answer.status();
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        let (retry_after, request_id) = (answer.retry_after(), answer.request_id());
        // The status alone says enough when the body of a refusal does not come.
        let body = answer.body().await.unwrap_or_default();
        let mut refusal = read(status, &body);
        if (300..400).contains(&status) {
            refusal.message = "it sends us somewhere else, and a key must not follow: check its \
                               address"
                .to_owned();
        }
        refusal.retry_after = retry_after.or(refusal.retry_after);
        refusal.request_id = request_id.or(refusal.request_id);
        Err(self.clean(refusal.into()))
    }

    /// Takes our key out of what a server says, in case it says it back.
    pub(crate) fn clean(&self, error: Error) -> Error {
        let Some(key) = self.key else {
            return error;
        };
        match error {
            Error::Refused(mut refusal) => {
                refusal.message = key.redact(&refusal.message);
                refusal.code = refusal.code.map(|code| key.redact(&code));
                refusal.request_id = refusal.request_id.map(|id| key.redact(&id));
                Error::Refused(refusal)
            }
            Error::Malformed { provider, reason } => {
                Error::Malformed { provider, reason: key.redact(&reason) }
            }
            other => other,
        }
    }

    /// Takes our key out of what a server says about a reply. What the model itself says is the
    /// model's, and stays as it is.
    pub(crate) fn clean_reply(&self, reply: &mut ChatReply) {
        let Some(key) = self.key else { return };
        reply.model = key.redact(&reply.model);
        reply.request_id = reply.request_id.take().map(|id| key.redact(&id));
        reply.reply.stop = key.redact(&reply.reply.stop);
        for call in &mut reply.reply.calls {
            call.id = key.redact(&call.id);
        }
    }

    /// Does the same with a piece of a reply.
    pub(crate) fn clean_event(&self, event: &mut ChatEvent) {
        match (event, self.key) {
            (ChatEvent::CallStarted { id, .. }, Some(key)) => *id = key.redact(id),
            (ChatEvent::Finished(reply), Some(_)) => self.clean_reply(reply),
            _ => {}
        }
    }
}
