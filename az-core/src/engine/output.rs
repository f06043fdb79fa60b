//! Output schemas: an answer counts only if it is JSON that fits the schema of the task.

use super::agent::Answer;
use super::run::Run;
use crate::blocking;
use crate::error::{Error, Result};
use crate::journal::History;

/// How the observation begins that asks for a corrected answer. The record has it, so that a run which
/// continues after a crash asks no second time.
const NOT_FITTING: &str = "The answer does not fit the output schema:";

impl Run {
    /// Checks an answer against the output schema of the task. Returns the answer to give, which is the
    /// JSON alone; `None` if the model has been told what does not fit and is to answer again.
    ///
    /// # Errors
    ///
    /// `AnswerMismatch` if the model was told before, and has answered since; `Threads` if the system starts no
    /// thread for the check.
    pub(super) async fn fitting(&mut self, answer: Answer) -> Result<Option<Answer>> {
        let Some(schema) = &self.task.options.output_schema else { return Ok(Some(answer)) };
        let schema = schema.clone();
        // The check of a large answer takes up to a second.
        let check = move || schema.check(&answer.0).map(str::to_owned);
        let problems = match blocking::run(check).await? {
            Ok(json) => return Ok(Some(Answer(json))),
            Err(problems) => problems,
        };
        if was_told(&self.history) {
            return Err(Error::AnswerMismatch { problems });
        }
        let problems: String = problems.iter().map(|problem| format!("\n- {problem}")).collect();
        self.observe(format!(
            "{NOT_FITTING}{problems}\nReply with the corrected JSON value and with nothing else."
        ))
        .await?;
        Ok(None)
    }
}

/// Returns whether the last thing that the engine told the model, since a run last ended, is that its answer
/// does not fit. A task that failed and is resumed gets another attempt, and so does one that continues another.
fn was_told(history: &History) -> bool {
    let mut told = history.observations.iter().rev();
    let last = told.find(|made| !made.is_hint && !made.is_announcement);
    last.is_some_and(|last| {
        last.after >= history.ended_after.max(history.copied.turns)
            && last.text.starts_with(NOT_FITTING)
    })
}

#[cfg(test)]
mod tests {
    use super::{NOT_FITTING, was_told};
    use crate::journal::{History, Observation};

    fn history(ended_after: usize, observations: &[(usize, &str, bool)]) -> History {
        let observation = |(after, text, is_hint): &(usize, &str, bool)| Observation {
            after: *after,
            text: (*text).to_owned(),
            is_hint: *is_hint,
            is_announcement: false,
        };
        let observations = observations.iter().map(observation).collect();
        History { ended_after, observations, ..History::default() }
    }

    #[test]
    fn a_correction_of_another_task_does_not_count_for_the_one_that_continues_it() {
        let mut history = history(0, &[(1, NOT_FITTING, false)]);
        history.copied.turns = 2;
        assert!(!was_told(&history));
        history.copied.turns = 1;
        assert!(was_told(&history));
    }

    #[test]
    fn the_model_corrects_its_answer_once_for_each_time_that_the_task_is_run() {
        let problem = format!("{NOT_FITTING}\n- answer: not JSON");
        let check = "The task is not done: the check `true` does not succeed.";
        for (ended_after, observations, expected) in [
            (0, vec![], false),
            (0, vec![(1, problem.as_str(), false)], true),
            // A hint of a person does not come from the engine, whatever it says.
            (0, vec![(1, problem.as_str(), false), (1, "json, please", true)], true),
            (0, vec![(1, problem.as_str(), true)], false),
            // A corrected answer was checked otherwise since.
            (0, vec![(1, problem.as_str(), false), (2, check, false)], false),
            // The task failed after the second turn, and was resumed.
            (2, vec![(1, problem.as_str(), false)], false),
            (2, vec![(1, problem.as_str(), false), (2, problem.as_str(), false)], true),
        ] {
            assert_eq!(
                was_told(&history(ended_after, &observations)),
                expected,
                "{observations:?}"
            );
        }
    }
}
