//! The kit of [`Approver`].

use futures_util::FutureExt;
use serde_json::json;

use super::kit::{Checked, Fixture, Violation};
use super::sample::task;
use crate::approval::{Approval, Approver, Reply};
use crate::policy::ApprovalTerms;
use crate::tool::{EffectClass, Invocation, PreparedCall, Question};
use crate::{ensure, ensure_eq, scenarios};

/// A fixture of an approver that can simulate a person with scripted answers.
pub trait ApproverFixture: Fixture<dyn Approver> {
    /// Sets whether the person grants each of the next requests; after the last one, no person is
    /// present. Returns `false` if the fixture cannot simulate a person.
    fn answer_with(&self, granted: &[bool]) -> bool;
}

scenarios! {
    $crate
    /// Runs every scenario of [`Approver`]'s contract. Those that need a person are skipped if the
    /// fixture cannot simulate one.
    approver for ApproverFixture, in approver_conformance;

    an_answer_is_the_one_that_the_person_gave;
    without_a_person_nothing_is_granted;
    a_dropped_request_does_not_block_the_next;
    without_a_person_no_question_is_answered;
}

/// The fixture of a scenario.
type Approvers<'a> = &'a dyn ApproverFixture;

fn answer_with(fixture: Approvers<'_>, granted: &[bool]) -> Checked {
    match fixture.answer_with(granted) {
        true => Ok(()),
        false => Err(Violation::Unmet("a person to ask")),
    }
}

async fn ask(approver: &dyn Approver) -> Checked<Approval> {
    let call = Invocation::bare("shell.execute", json!({ "command": "true" }))?;
    let call = PreparedCall::new(call, EffectClass::Unsafe);
    Ok(approver.ask(&task("t", 0), &call, &ApprovalTerms::new("it runs a command")).await?)
}

/// Checks `Approver` 1.
async fn an_answer_is_the_one_that_the_person_gave(fixture: Approvers<'_>) -> Checked {
    answer_with(fixture, &[true, false])?;
    let approver = fixture.open().await;
    let answers = (ask(&*approver).await?, ask(&*approver).await?);
    let (Approval::Granted { by: first, .. }, Approval::Denied { by: second }) = &answers else {
        let how = format!("the person granted and denied, and the answers are {answers:?}");
        return Err(Violation::Broken(how));
    };
    ensure!(!first.is_empty() && !second.is_empty(), "an answer does not name who gave it");
    Ok(())
}

/// Checks `Approver` 2.
async fn without_a_person_nothing_is_granted(fixture: Approvers<'_>) -> Checked {
    let approver = fixture.open().await;
    ensure_eq!(ask(&*approver).await?, Approval::Unattended, "the answer without a person");
    Ok(())
}

/// Checks `Approver` 3.
async fn a_dropped_request_does_not_block_the_next(fixture: Approvers<'_>) -> Checked {
    answer_with(fixture, &[true, true])?;
    let approver = fixture.open().await;
    // Polled once, and dropped while it waits.
    ask(&*approver).now_or_never();
    let next = ask(&*approver).await?;
    ensure!(matches!(next, Approval::Granted { .. }), "after a dropped request: {next:?}");
    Ok(())
}

/// Checks `Approver` 4.
async fn without_a_person_no_question_is_answered(fixture: Approvers<'_>) -> Checked {
    let approver = fixture.open().await;
    ensure!(!approver.is_attended(), "an approver without a person is attended");
    let call = Invocation::bare("person.ask", json!({ "question": "left or right?" }))?;
    let call = PreparedCall::new(call, EffectClass::Read);
    let reply = approver.answer(&task("t", 0), &call, &Question::new("left or right?")).await?;
    ensure_eq!(reply, Reply::Unattended, "the reply without a person");
    Ok(())
}
