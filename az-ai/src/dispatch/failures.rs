//! What is known of the candidates that were tried.

use az_core::text::one_line;
use az_core::{Error, ErrorKind};

use super::dispatcher::Outcome;
use super::error::DispatchError;
use super::fallback;

/// How much of a failure is quoted, in characters.
const QUOTED: usize = 200;

/// The failures so far, and which of them is reported in the end.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// The largest window that was too small.
    pub(super) too_small: Option<u64>,
    /// The first refusal of a budget.
    budget: Option<DispatchError>,
    /// The last failure of any other kind.
    last: Option<DispatchError>,
    /// The last time that a provider found the request too long.
    too_long: Option<DispatchError>,
    /// Why the candidate before failed, for people.
    latest: Option<String>,
}

impl Failures {
    /// Notes a failure.
    ///
    /// # Errors
    ///
    /// The failure, if no other candidate can succeed where this one failed.
    pub(super) fn add(
        &mut self,
        (name, window): (&str, u64),
        failed: DispatchError,
    ) -> Result<(), DispatchError> {
        let kind = failed.error.kind();
        let of_model = matches!(*failed.error, Error::Model { .. });
        if !fallback::may_help(kind) || !(of_model || kind == ErrorKind::Budget) {
            return Err(failed);
        }
        self.latest = Some(format!("{name}: {}", one_line(&failed.error.chain(), QUOTED)));
        match kind {
            ErrorKind::ContextWindow => {
                self.too_small = self.too_small.max(Some(window));
                self.too_long = Some(failed);
            }
            ErrorKind::Budget => self.budget = self.budget.take().or(Some(failed)),
            // An earlier failure explains more than that the request does not suit this candidate.
            ErrorKind::BadRequest if self.last.is_some() => {}
            _ => self.last = Some(failed),
        }
        Ok(())
    }

    /// Notes that the request does not fit into a candidate's window.
    pub(super) fn add_too_small(&mut self, name: &str, window: u64) {
        self.too_small = self.too_small.max(Some(window));
        self.latest = Some(format!("{name} has a window of {window} tokens"));
    }

    /// Returns why the candidate before failed, once.
    pub(super) const fn take_latest(&mut self) -> Option<String> {
        self.latest.take()
    }

    /// Returns the outcome when no candidate replied.
    ///
    /// # Errors
    ///
    /// The failure that explains most.
    pub(super) fn end(self) -> Result<Outcome, DispatchError> {
        let failure = self.budget.or(self.last).or(self.too_long);
        match (self.too_small, failure) {
            (Some(_), failure) => Ok(Outcome::TooLong(failure.map(Box::new))),
            (None, Some(failure)) => Err(failure),
            (None, None) => Err(Error::Internal("there are no candidates".to_owned()).into()),
        }
    }
}
