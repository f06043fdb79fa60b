//! Failures of the candidates that were tried.

use az_core::text::one_line;
use az_core::{Error, ErrorKind};

use super::dispatcher::Outcome;
use super::error::DispatchError;
use super::fallback;

/// The maximum length of a quoted failure, in characters.
const QUOTED: usize = 200;

/// The failures so far; chooses the one that is reported in the end.
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
    /// The reason why the previous candidate failed, for people.
    latest: Option<String>,
}

impl Failures {
    /// Records a failure.
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
            // An earlier failure is more relevant than an unsuitable candidate.
            ErrorKind::BadRequest if self.last.is_some() => {}
            _ => self.last = Some(failed),
        }
        Ok(())
    }

    /// Records that the request does not fit into a candidate's context window.
    pub(super) fn add_too_small(&mut self, name: &str, window: u64) {
        self.too_small = self.too_small.max(Some(window));
        self.latest = Some(format!("{name} has a window of {window} tokens"));
    }

    /// Takes the reason why the previous candidate failed.
    pub(super) const fn take_latest(&mut self) -> Option<String> {
        self.latest.take()
    }

    /// Returns the outcome when no candidate replied.
    ///
    /// # Errors
    ///
    /// The most relevant failure.
    pub(super) fn end(self) -> Result<Outcome, DispatchError> {
        let failure = self.budget.or(self.last).or(self.too_long);
        match (self.too_small, failure) {
            (Some(_), failure) => Ok(Outcome::TooLong(failure.map(Box::new))),
            (None, Some(failure)) => Err(failure),
            (None, None) => Err(Error::Internal("there are no candidates".to_owned()).into()),
        }
    }
}
