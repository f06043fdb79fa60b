//! The kit of [`CommandLog`].

use super::kit::{Checked, Fixture};
use super::sample::{at, odd_time};
use crate::log::{CommandLog, CommandRun, RunQuery};
use crate::{ensure_eq, scenarios};

scenarios! {
    $crate
    /// Runs every scenario of [`CommandLog`]'s contract.
    command_log for Fixture<dyn CommandLog>, in command_log_conformance;

    runs_are_returned_as_they_were_recorded;
    runs_are_returned_oldest_first;
    filters_of_runs_combine_by_and;
    a_limit_returns_the_newest_runs;
    pruning_removes_old_runs_and_those_above_a_number;
    runs_survive_a_restart needs durable;
}

/// The fixture of a scenario.
type Commands<'a> = &'a dyn Fixture<dyn CommandLog>;

fn ran(command: &str, minute: i64) -> CommandRun {
    CommandRun::new(at(minute), command, 1200, 0)
}

async fn commands(log: &dyn CommandLog, query: &RunQuery) -> Checked<Vec<String>> {
    let found = log.runs(query).await?;
    Ok(found.into_iter().map(|run| run.command).collect())
}

/// Checks `CommandLog` 1.
async fn runs_are_returned_as_they_were_recorded(fixture: Commands<'_>) -> Checked {
    let log = fixture.open().await;
    ensure_eq!(log.runs(&RunQuery::default()).await?, [], "a new store has runs");
    let expected = [ran("task list", 0), CommandRun::new(odd_time(1), "db init", 1 << 40, 255)];
    log.record_runs(&expected).await?;
    log.record_runs(&[]).await?;
    log.collect_runs().await?;
    ensure_eq!(log.runs(&RunQuery::default()).await?, expected, "runs were changed");
    Ok(())
}

/// Checks `CommandLog` 1.
async fn runs_are_returned_oldest_first(fixture: Commands<'_>) -> Checked {
    let log = fixture.open().await;
    log.record_runs(&[ran("b", 2), ran("c", 2)]).await?;
    log.record_runs(&[ran("a", 1), ran("a", 2)]).await?;
    let found = commands(&*log, &RunQuery::default()).await?;
    ensure_eq!(found, ["a", "b", "c", "a"], "runs are in another order");
    Ok(())
}

/// Checks `CommandLog` 2.
async fn filters_of_runs_combine_by_and(fixture: Commands<'_>) -> Checked {
    let log = fixture.open().await;
    let wanted = ran("task", 5);
    log.record_runs(&[ran("task", 4), ran("task", 6), ran("task list", 5), wanted.clone()]).await?;
    let query = RunQuery {
        since: Some(at(5)),
        until: Some(at(6)),
        command: Some("task".to_owned()),
        limit: Some(9),
    };
    ensure_eq!(log.runs(&query).await?, [wanted], "the runs that match three filters");
    Ok(())
}

/// Checks `CommandLog` 2.
async fn a_limit_returns_the_newest_runs(fixture: Commands<'_>) -> Checked {
    let log = fixture.open().await;
    log.record_runs(&[ran("c", 3), ran("a", 1), ran("b", 2)]).await?;
    for (limit, expected) in [(0, vec![]), (1, vec!["c"]), (2, vec!["b", "c"])] {
        let query = RunQuery { limit: Some(limit), ..RunQuery::default() };
        ensure_eq!(commands(&*log, &query).await?, expected, "the runs with a limit of {limit}");
    }
    Ok(())
}

/// Checks `CommandLog` 3.
async fn pruning_removes_old_runs_and_those_above_a_number(fixture: Commands<'_>) -> Checked {
    let log = fixture.open().await;
    log.record_runs(&[ran("a", 1), ran("b", 2), ran("c", 3), ran("d", 4)]).await?;
    let removed = log.prune_runs(at(2), 9).await?;
    let left = commands(&*log, &RunQuery::default()).await?;
    ensure_eq!((removed, left.join("")), (1, "bcd".to_owned()), "the runs from minute 2 on");
    let removed = log.prune_runs(at(2), 2).await?;
    let left = commands(&*log, &RunQuery::default()).await?;
    ensure_eq!((removed, left.join("")), (1, "cd".to_owned()), "the newest two runs");
    Ok(())
}

/// Checks `CommandLog` 4.
async fn runs_survive_a_restart(fixture: Commands<'_>) -> Checked {
    let log = fixture.open().await;
    log.record_runs(&[ran("a", 1)]).await?;
    drop(log);
    let log = fixture.open().await;
    ensure_eq!(commands(&*log, &RunQuery::default()).await?, ["a"], "recorded runs were lost");
    Ok(())
}
