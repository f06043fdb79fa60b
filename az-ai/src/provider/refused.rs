//! What becomes of an answer that is no success, and of our key in what a server says.

use super::http::{Answer, Credentials};
use crate::error::{Error, Refusal, Result};

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
                Error::Refused(refusal)
            }
            Error::Malformed { provider, reason } => {
                Error::Malformed { provider, reason: key.redact(&reason) }
            }
            other => other,
        }
    }
}
