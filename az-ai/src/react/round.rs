//! Going through who may be asked, until one answers.

use az_core::engine::RetryPolicy;
use az_core::journal::{ModelReply, Purpose};
use az_core::text::one_line;
use az_core::{Error, ErrorKind, Result, Run};

use super::scene::{Ground, How, Scene};
use crate::fallback;
use crate::resolver::{CallReport, Candidate, ModelResolver};

/// How much is told of a failure, in bytes.
const TOLD: usize = 200;

/// Who may be asked, best first.
#[derive(Debug)]
pub(super) struct Round<'a> {
    pub(super) models: &'a dyn ModelResolver,
    pub(super) ground: &'a Ground<'a>,
    pub(super) candidates: &'a [Candidate],
    /// What for.
    pub(super) purpose: Purpose,
}

/// What came of asking.
#[derive(Debug)]
pub(super) enum Asked {
    /// One replied.
    Replied(ModelReply),
    /// The conversation is too long for somebody, and nobody else replied: with what was said
    /// about it, if anybody was asked.
    TooLong(Option<Error>),
}

/// What came of one turn.
enum Turn {
    Replied(ModelReply),
    /// Time may mend what went wrong.
    MayPass,
    Failed,
}

/// What is known of those who were asked.
#[derive(Debug, Default)]
struct Tried {
    /// The largest window that was too small.
    too_small: Option<u64>,
    /// The first refusal of a budget.
    budget: Option<Error>,
    /// The last failure of any other sort.
    last: Option<Error>,
    /// The last time that a provider found the conversation too long.
    too_long: Option<Error>,
    /// What became of the one before, for people.
    told: Option<String>,
}

impl Round<'_> {
    /// Asks one after the other until one replies.
    ///
    /// Nothing is kept of a failed attempt but its record and its cost, so that whoever is next
    /// finds the conversation as it was. With others left a model gets little time; when none of
    /// those is of use, the first that may just have needed more is asked again, with the engine's
    /// own patience.
    pub(super) async fn ask(&self, run: &mut Run) -> Result<Asked> {
        let mut tried = Tried::default();
        let mut hurried = None;
        for (place, candidate) in self.candidates.iter().enumerate() {
            let others = place + 1 < self.candidates.len();
            let hurry = others.then_some(self.ground.options.hurry);
            match self.turn(run, candidate, hurry, &mut tried).await? {
                Turn::Replied(reply) => return Ok(Asked::Replied(reply)),
                Turn::MayPass if others => hurried = hurried.or(Some(candidate)),
                // The last one had all the time there is.
                Turn::MayPass => hurried = None,
                Turn::Failed => {}
            }
        }
        if let Some(candidate) = hurried
            && let Turn::Replied(reply) = self.turn(run, candidate, None, &mut tried).await?
        {
            return Ok(Asked::Replied(reply));
        }
        tried.end()
    }

    /// Asks one of them, unless it has no room.
    async fn turn(
        &self,
        run: &mut Run,
        candidate: &Candidate,
        retry: Option<RetryPolicy>,
        tried: &mut Tried,
    ) -> Result<Turn> {
        let scene = Scene::new(run, self.ground, candidate);
        if tried.too_small.is_some_and(|limit| scene.limit <= limit) {
            return Ok(Turn::Failed);
        }
        let Some(request) = scene.request(run, &self.purpose) else {
            tried.is_too_small(&scene);
            return Ok(Turn::Failed);
        };
        let mut reason = candidate.reason.clone();
        if let Some(told) = tried.told.take() {
            run.note(format!("asking {} now: {told}", scene.name())).await?;
            reason = reason.or(Some(told));
        }
        let how = How { purpose: self.purpose.clone(), reason, retry };
        match scene.ask(run, request, how).await {
            Ok(reply) => {
                self.models.report(&candidate.model, CallReport::Replied);
                Ok(Turn::Replied(reply))
            }
            Err(error) => {
                if let Error::Model { kind, retry_after, .. } = error {
                    self.models.report(&candidate.model, CallReport::Failed { kind, retry_after });
                }
                let passing = error.is_retryable();
                tried.failed(&scene, error)?;
                Ok(if passing { Turn::MayPass } else { Turn::Failed })
            }
        }
    }
}

impl Tried {
    /// Notes a failure, unless it is one that nobody else can mend.
    fn failed(&mut self, scene: &Scene<'_>, error: Error) -> Result<()> {
        let kind = error.kind();
        let of_model = matches!(error, Error::Model { .. });
        if !fallback::may_help(kind) || !(of_model || kind == ErrorKind::Budget) {
            return Err(error);
        }
        self.told = Some(format!("{}: {}", scene.name(), one_line(&error.chain(), TOLD)));
        match kind {
            ErrorKind::ContextWindow => {
                self.too_small = self.too_small.max(Some(scene.limit));
                self.too_long = Some(error);
            }
            ErrorKind::Budget => self.budget = self.budget.take().or(Some(error)),
            // What somebody else said before tells more than that the request does not suit this one.
            ErrorKind::BadRequest if self.last.is_some() => {}
            _ => self.last = Some(error),
        }
        Ok(())
    }

    /// Notes that the conversation does not fit.
    fn is_too_small(&mut self, scene: &Scene<'_>) {
        self.too_small = self.too_small.max(Some(scene.limit));
        let limit = scene.limit;
        self.told = Some(format!("{} has room for {limit} tokens only", scene.name()));
    }

    fn end(self) -> Result<Asked> {
        let failure = self.budget.or(self.last).or(self.too_long);
        match (self.too_small, failure) {
            (Some(_), failure) => Ok(Asked::TooLong(failure)),
            (None, Some(failure)) => Err(failure),
            (None, None) => Err(Error::Internal("there was nobody to ask".to_owned())),
        }
    }
}
