use std::time::Duration;

use az_core::cost::{Budget, BudgetStatus, Limit, Period, Scope, TimeRange};
use az_core::error::{CalledModel, Error, ErrorKind};
use az_core::task::{Failure, TaskOptions};
use az_core::{Task, TaskId, Usd};

use super::{Circumstances, advice};
use crate::suggestion::assert_commands_parse;

fn task() -> Task {
    let id = TaskId::new("4f2a9c81d0e7").unwrap();
    Task::new(id, "x", "2026-11-23T00:00:00Z".parse().unwrap()).unwrap()
}

/// Returns a budget of a cent and a half, of which one cent and two tenths are used.
fn status(scope: Scope) -> BudgetStatus {
    let at = "2026-11-23T00:00:00Z".parse().unwrap();
    BudgetStatus {
        budget: Budget {
            scope,
            period: Period::Daily,
            amount: Usd::from_nanos(15_000_000),
            alerts: vec![50, 90],
            limit: Limit::Hard,
        },
        span: TimeRange { start: at, end: at },
        spent: Usd::from_nanos(10_000_000),
        held: Usd::from_nanos(2_000_000),
        uncertain: Usd::ZERO,
    }
}

fn refused(status: &BudgetStatus, needed: i64) -> Failure {
    Failure::from(&status.exceeded(Usd::from_nanos(needed)))
}

#[track_caller]
fn check(failure: &Failure, now: &Circumstances, expected: &str) {
    let found = advice(&task(), failure, now);
    assert_eq!(found, expected);
    let quoted = found.matches("`az ").count();
    assert_eq!(assert_commands_parse(&found), quoted, "{found}");
}

const RESUME: &str = "`az task resume 4f2a9c81d0e7` continues the task";

#[test]
fn a_budget_is_raised_by_a_command_with_its_own_figures() {
    for (scope, option) in [
        (Scope::Global, ""),
        ("key:test".parse().unwrap(), " --payer key:test"),
        ("task:0197".parse().unwrap(), " --payer task:0197"),
        ("tenant:a".parse().unwrap(), " --payer tenant:a"),
        (Scope::Model("m".to_owned()), " --scope model --of m"),
    ] {
        let status = status(scope);
        for (needed, amount) in [(1, "0.03"), (28_000_001, "0.05"), (28_000_000, "0.04")] {
            let failure = refused(&status, needed);
            let now = Circumstances { budget: Some(status.clone()), ..Circumstances::default() };
            let set = format!("az cost budget set --amount {amount} --period daily{option}");
            let expected = format!("`{set} --alert 50,90` raises the budget; then {RESUME}");
            check(&failure, &now, &expected);
        }
    }
}

#[test]
fn a_failure_without_a_detail_gets_the_general_advice() {
    let now = Circumstances::default();
    let budgets = "`az cost budget show` shows the budgets, `az cost budget set --help` how to \
                   raise one; then ";
    // The sentences of earlier versions are not read.
    let message = "global daily budget: $0.05 needed, $0.04 of $0.06 left";
    let told = Failure::new(ErrorKind::Budget, message);
    check(&told, &now, &format!("{budgets}{RESUME}"));
    let unpriced =
        "global daily budget: the price of m is unknown, so the budget cannot be enforced";
    check(&Failure::new(ErrorKind::Budget, unpriced), &now, &format!("{budgets}{RESUME}"));
    check(
        &Failure::new(ErrorKind::Approval, "shell.execute needs approval: it runs"),
        &now,
        "`az task resume 4f2a9c81d0e7` at a terminal asks; with --allow and the name of the tool \
         it runs without asking",
    );
}

#[test]
fn a_task_whose_origin_was_deleted_is_begun_without_it() {
    let now = Circumstances { has_lost_origin: true, ..Circumstances::default() };
    let failure =
        Failure::new(ErrorKind::Invalid, "origin: task 7, which this one continues, was deleted");
    let expected =
        "no run of the task can get that record; `az task run TEXT` begins a task without it";
    check(&failure, &now, expected);
}

#[test]
fn every_kind_of_failure_has_advice_whose_commands_are_accepted() {
    let now = Circumstances::default();
    let called = |kind, retry_after| {
        let called = Some(Box::new(CalledModel::new("openai", "gpt")));
        Failure::from(&Error::Model { kind, message: "m".to_owned(), retry_after, called })
    };
    let unpriced = Error::Unpriced {
        budget: "global total".to_owned(),
        scope: Scope::Global,
        period: Period::Total,
        model: "m".to_owned(),
    };
    let approval =
        Error::ApprovalRequired { tool: "shell.execute".to_owned(), reason: "it runs".to_owned() };
    let protected =
        Error::ApprovalRequired { tool: "filesystem.write".to_owned(), reason: "it is".to_owned() };
    let later = |when: &str| format!("try again {when}: {RESUME}");
    for (failure, expected) in [
        (Failure::from(&unpriced), format!("{}; then {RESUME}", super::UNPRICED)),
        (
            Failure::from(&approval),
            "`az task resume 4f2a9c81d0e7 --allow shell.execute` lets it run without asking; \
             `az task resume 4f2a9c81d0e7` at a terminal asks"
                .to_owned(),
        ),
        (
            Failure::from(&protected),
            "`az task resume 4f2a9c81d0e7 --allow 'filesystem.write(PATH)'` lets it run without \
             asking, with the path in place of PATH; `az task resume 4f2a9c81d0e7` at a terminal asks"
                .to_owned(),
        ),
        (
            Failure::from(&Error::StepLimit { steps: 7 }),
            "`az task resume 4f2a9c81d0e7 --max-steps 14` gives it more steps".to_owned(),
        ),
        (
            Failure::from(&Error::CallLimit { calls: 70 }),
            "`az task resume 4f2a9c81d0e7 --max-calls 140` gives it more tool calls".to_owned(),
        ),
        (
            Failure::from(&Error::TimedOut { after: Duration::from_millis(1500) }),
            "`az task resume 4f2a9c81d0e7 --timeout 4s` gives it more time".to_owned(),
        ),
        (Failure::from(&Error::Cancelled), RESUME.to_owned()),
        (called(ErrorKind::RateLimited, Some(Duration::from_millis(61_001))), later("in 62 s")),
        (called(ErrorKind::RateLimited, None), later("later")),
        (called(ErrorKind::Unavailable, None), later("later")),
        (
            called(ErrorKind::Unauthorized, None),
            format!(
                "check the key and the account's credit: `az models list` shows where each key \
                 is; then {RESUME}"
            ),
        ),
        (
            called(ErrorKind::NotFound, None),
            "`az models list` shows the names; `az task resume 4f2a9c81d0e7 --model OTHER` \
             continues the task with another model"
                .to_owned(),
        ),
        (
            called(ErrorKind::BadRequest, None),
            "state the task differently, as a new one; `az task logs 4f2a9c81d0e7` shows what \
             happened"
                .to_owned(),
        ),
        (
            Failure::new(ErrorKind::Agent, "m"),
            format!(
                "`az task logs 4f2a9c81d0e7` shows what happened; {RESUME}; \
                 `az task retry 4f2a9c81d0e7` starts over"
            ),
        ),
    ] {
        check(&failure, &now, &expected);
    }
}

#[test]
fn what_is_looked_up_is_part_of_the_advice() {
    let key = Some("from $OPENAI_API_KEY".to_owned());
    check(
        &Failure::new(ErrorKind::Unauthorized, "m"),
        &Circumstances { key, ..Circumstances::default() },
        &format!("check the key (from $OPENAI_API_KEY) and the account's credit; then {RESUME}"),
    );
    let unpriced = Failure::from(&Error::Unpriced {
        budget: "global total".to_owned(),
        scope: Scope::Global,
        period: Period::Total,
        model: "m".to_owned(),
    });
    let now = Circumstances { prices_are_off: true, ..Circumstances::default() };
    assert!(advice(&task(), &unpriced, &now).starts_with("llm.cost_tracking is false"));
}

#[test]
fn limits_of_failures_without_a_detail_are_those_of_the_task() {
    let options = TaskOptions::default().with_max_steps(3).with_timeout(Duration::from_secs(10));
    let task = task().with_options(options);
    for (kind, option) in
        [(ErrorKind::StepLimit, "--max-steps 6`"), (ErrorKind::TimedOut, "--timeout 20s`")]
    {
        let found = advice(&task, &Failure::new(kind, "m"), &Circumstances::default());
        assert!(found.contains(option), "{found}");
    }
}
