//! The kit of [`Approver`].

use futures_util::FutureExt;
use serde_json::json;

use super::kit::{Checked, Fixture, Violation};
use super::sample::task;
use crate::approval::{Approval, Approver};
use crate::tool::Invocation;
use crate::{ensure, ensure_eq, scenarios};

/// A fixture of an approver, with a person who answers as the scenario says.
pub trait ApproverFixture: Fixture<dyn Approver> {
    /// Sets whether the person grants each of the next requests; with the last answer the person
    /// leaves. Returns `false` if the fixture cannot play a person.
    fn attend(&self, granted: &[bool]) -> bool;
}

scenarios! {
    $crate
    /// Plays every scenario of [`Approver`]'s contract. One that needs a person is skipped if the
    /// fixture cannot play one.
    approver for ApproverFixture, in approver_conformance;

    an_answer_is_the_persons_own;
    without_a_person_nothing_is_granted;
    a_dropped_request_does_not_block_the_next;
}

/// What the scenarios are played with.
type Approvers<'a> = &'a dyn ApproverFixture;

fn attend(fixture: Approvers<'_>, granted: &[bool]) -> Checked {
    match fixture.attend(granted) {
        true => Ok(()),
        false => Err(Violation::Unmet("a person to ask")),
    }
}

async fn ask(approver: &dyn Approver) -> Checked<Approval> {
    let call = Invocation::bare("shell.execute", json!({ "command": "true" }))?;
    Ok(approver.ask(&task("t", 0), &call, "it runs a command").await?)
}

async fn an_answer_is_the_persons_own(fixture: Approvers<'_>) -> Checked {
    attend(fixture, &[true, false])?;
    let approver = fixture.open().await;
    let answers = (ask(&*approver).await?, ask(&*approver).await?);
    let (Approval::Granted { by: first }, Approval::Denied { by: second }) = &answers else {
        let how = format!("the person granted and denied, and the answers are {answers:?}");
        return Err(Violation::Broken(how));
    };
    ensure!(!first.is_empty() && !second.is_empty(), "an answer does not say by whom");
    Ok(())
}

async fn without_a_person_nothing_is_granted(fixture: Approvers<'_>) -> Checked {
    let approver = fixture.open().await;
    ensure_eq!(ask(&*approver).await?, Approval::Unattended, "the answer without a person");
    Ok(())
}

async fn a_dropped_request_does_not_block_the_next(fixture: Approvers<'_>) -> Checked {
    attend(fixture, &[true, true])?;
    let approver = fixture.open().await;
    // Polled once, and dropped wherever it waits.
    ask(&*approver).now_or_never();
    let next = ask(&*approver).await?;
    ensure!(matches!(next, Approval::Granted { .. }), "after a dropped request: {next:?}");
    Ok(())
}
