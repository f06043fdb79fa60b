//! Converts error responses, and masks the key in responses.

use az_core::ErrorKind;

use super::http::{Answer, Credentials};
use super::shown;
use crate::chat::{ChatEvent, ChatReply};
use crate::error::{Error, MeteredError, Refusal, Result};

/// Returns the kind of error for a status, where the body is not more specific.
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

/// Returns the refusal of a response that is larger than is read. It is not transient: the server
/// would be paid for every further attempt.
pub(super) fn too_large(provider: &str, reason: &str) -> Refusal {
    let message = format!("{reason}; check the base URL, and what the server sends");
    Refusal::new(provider, ErrorKind::Config, message)
}

impl Credentials<'_> {
    /// Passes a success on; anything else is the error that `read` returns for its status and body.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`], with the key masked.
    pub(crate) async fn accept(
        &self,
        answer: Answer,
        read: impl FnOnce(u16, &[u8]) -> Refusal,
    ) -> Result<Answer> {
        let status = answer.status();
        if let Some(encoding) = answer.encoding() {
            let message = format!(
                "the response is encoded as {encoding}, which was not asked for; have the server, or \
                 the proxy before it, send it uncompressed"
            );
            let refusal = Refusal::new(self.provider, ErrorKind::Config, message);
            return Err(Refusal { status: Some(status), ..refusal }.into());
        }
        if (200..300).contains(&status) {
            return Ok(answer);
        }
        let (retry_after, request_id) = (answer.retry_after(), answer.request_id());
        let location = answer.location();
        // If the body of an error response cannot be read, the status is sufficient.
        let body = answer.body().await.unwrap_or_default();
        let mut refusal = read(status, &body);
        refusal.is_loading = shown::is_loading(status, &refusal.message);
        if (300..400).contains(&status) {
            let location = location.unwrap_or_else(|| "another address".to_owned());
            refusal.message = format!(
                "redirects to {location}; a request is not sent to an address that is not configured: \
                 set the provider's base URL to the one that answers"
            );
        }
        refusal.retry_after = retry_after.or(refusal.retry_after);
        // The account will have credit again, and the server says when.
        if status == 402 && refusal.retry_after.is_some() {
            refusal.kind = ErrorKind::RateLimited;
        }
        refusal.request_id = request_id.or(refusal.request_id);
        Err(self.clean(refusal.into()))
    }

    /// Masks the key in a server's message, in case the server repeats it.
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
            Error::Metered(metered) => {
                let MeteredError { error, charge } = *metered;
                self.clean(error).with_charge(Some(charge))
            }
            other => other,
        }
    }

    /// Masks the key in the metadata of a reply. The model's own text stays as it is.
    pub(crate) fn clean_reply(&self, reply: &mut ChatReply) {
        let Some(key) = self.key else { return };
        reply.model = key.redact(&reply.model);
        reply.request_id = reply.request_id.take().map(|id| key.redact(&id));
        reply.reply.stop = key.redact(&reply.reply.stop);
        for call in &mut reply.reply.calls {
            call.id = key.redact(&call.id);
        }
    }

    /// Masks the key in the metadata of an event.
    pub(crate) fn clean_event(&self, event: &mut ChatEvent) {
        match (event, self.key) {
            (ChatEvent::CallStarted { id, .. }, Some(key)) => *id = key.redact(id),
            (ChatEvent::Finished(reply), Some(_)) => self.clean_reply(reply),
            _ => {}
        }
    }
}
