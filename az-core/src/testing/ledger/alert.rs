//! Clause 6 of `BudgetKeeper`: alerts.

use super::Runs;
use crate::cost::{Alert, Budget, Limit, Period, Scope, Settlement};
use crate::ensure_eq;
use crate::money::Usd;
use crate::testing::kit::Checked;
use crate::testing::sample::{DAY, at, budget, call_id, hold, paid, payer, task_id};

/// Returns a soft daily budget of 100 with alerts at 50, 80 and 100 percent.
fn watched() -> Budget {
    Budget {
        alerts: vec![50, 80, 100],
        limit: Limit::Soft,
        ..budget(Scope::Global, Period::Daily, 100)
    }
}

fn marks(alerts: &[Alert]) -> Vec<u8> {
    let mut marks: Vec<_> = alerts.iter().map(|alert| alert.percent).collect();
    marks.sort_unstable();
    marks
}

/// Checks `BudgetKeeper` 6.
pub(super) async fn an_alert_is_reported_once_per_period(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.set_budget(&watched(), at(0)).await?;
    let before = store.hold(&hold("t", "m0", 49, 1)).await?;
    ensure_eq!(before, [], "an alert was reported before its percentage");
    let crossed = store.hold(&hold("t", "m1", 1, 2)).await?;
    let alert = Alert {
        budget: "global daily".to_owned(),
        percent: 50,
        used: Usd::from_nanos(50),
        amount: Usd::from_nanos(100),
    };
    ensure_eq!(crossed, [alert], "the hold that crossed the percentage reported no alert");
    let after = store.hold(&hold("t", "m2", 1, 3)).await?;
    ensure_eq!(after, [], "an alert was reported twice");
    // Below the percentage and above it once more, in the same period.
    for call in ["m0", "m1", "m2"] {
        let call = call_id(call);
        store.settle(&payer("task:t"), &call, &Settlement::Nothing).await?;
    }
    let again = store.hold(&hold("t", "m3", 60, 4)).await?;
    ensure_eq!(again, [], "an alert was reported twice");
    Ok(())
}

/// Checks `BudgetKeeper` 6.
pub(super) async fn an_alert_is_reported_again_in_the_next_period(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.set_budget(&watched(), at(0)).await?;
    for day in 0..3 {
        let taken = hold("t", &format!("m{day}"), 60, day * DAY + 1);
        let alerts = store.hold(&taken).await?;
        ensure_eq!(marks(&alerts), [50], "day {day} did not get its alert");
    }
    Ok(())
}

/// Checks `BudgetKeeper` 6.
pub(super) async fn one_call_reports_every_alert_it_crosses(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.set_budget(&watched(), at(0)).await?;
    let mut of_task = budget(Scope::task(task_id("t")), Period::Total, 1000);
    of_task.alerts = vec![10];
    store.set_budget(&of_task, at(0)).await?;
    let alerts = store.hold(&hold("t", "m0", 100, 1)).await?;
    ensure_eq!(marks(&alerts), [10, 50, 80, 100], "alerts are missing");
    Ok(())
}

/// Checks `BudgetKeeper` 6.
pub(super) async fn settling_reports_the_alerts_it_crosses(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.set_budget(&watched(), at(0)).await?;
    store.hold(&hold("t", "m0", 60, 1)).await?;
    // The call cost more than was held for it.
    let alerts = store.settle(&payer("task:t"), &call_id("m0"), &paid(85)).await?;
    ensure_eq!(
        marks(&alerts),
        [80],
        "the settlement that crossed the percentage reported no alert"
    );
    Ok(())
}

/// Checks `BudgetKeeper` 6.
pub(super) async fn an_alert_crossed_by_a_sweep_is_reported_next(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    store.hold(&hold("t", "m0", 60, 1)).await?;
    store.set_budget(&watched(), at(2)).await?;
    // A sweep does not report alerts.
    ensure_eq!(store.sweep(at(61)).await?, 1, "the number of expired holds");
    let alerts = store.hold(&hold("t", "m1", 1, 62)).await?;
    ensure_eq!(marks(&alerts), [50], "the alert that a sweep crossed was not reported");
    Ok(())
}

/// Checks `BudgetKeeper` 6.
pub(super) async fn a_raised_budget_reports_its_alerts_again(fixture: Runs<'_>) -> Checked {
    let store = fixture.open().await;
    let of = |nanos| Budget { amount: Usd::from_nanos(nanos), ..watched() };
    store.set_budget(&watched(), at(0)).await?;
    let alerts = store.hold(&hold("t", "m0", 90, 1)).await?;
    ensure_eq!(marks(&alerts), [50, 80], "the alerts up to 90 of 100");
    // Setting the same amount or a lower one reports nothing.
    for nanos in [100, 90] {
        store.set_budget(&of(nanos), at(2)).await?;
        let alerts = store.hold(&hold("t", &format!("m{nanos}"), 0, 2)).await?;
        let expected: &[u8] = if nanos == 90 { &[100] } else { &[] };
        ensure_eq!(marks(&alerts), expected, "an alert of {nanos} was reported twice");
    }
    // Half of it is reached, the rest is not.
    store.set_budget(&of(150), at(3)).await?;
    let alerts = store.hold(&hold("t", "m1", 29, 3)).await?;
    ensure_eq!(alerts, [], "119 of 150 cross no percentage");
    let alerts = store.hold(&hold("t", "m2", 1, 3)).await?;
    ensure_eq!(marks(&alerts), [80], "120 of 150 are 80 percent again");
    let alerts = store.hold(&hold("t", "m3", 30, 3)).await?;
    ensure_eq!(marks(&alerts), [100], "150 of 150 are 100 percent again");
    Ok(())
}
