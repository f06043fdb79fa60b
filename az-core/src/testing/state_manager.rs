//! The kit of [`StateManager`].

use serde_json::{Value, json};

use super::kit::{Checked, Fixture};
use super::sample::{at, odd_time, task_id};
use crate::error::Error;
use crate::scenarios;
use crate::state::{Snapshot, SnapshotInfo, StateManager};
use crate::{ensure, ensure_eq, ensure_refused};

scenarios! {
    $crate
    /// Runs every scenario of [`StateManager`]'s contract.
    state_manager for Fixture<dyn StateManager>, in state_manager_conformance;

    a_state_is_returned_as_it_was_saved;
    without_a_saved_state_loading_returns_none;
    the_state_saved_last_is_loaded_whatever_its_time;
    a_name_refers_to_its_newest_state;
    saving_under_a_used_name_keeps_the_older_state;
    an_empty_name_is_refused;
    snapshots_are_listed_oldest_first;
    states_of_tasks_are_separate;
    deleting_removes_one_snapshot;
    ids_are_not_reused;
    states_survive_a_restart needs durable;
}

/// The fixture of a scenario.
type States<'a> = &'a dyn Fixture<dyn StateManager>;

/// Saves a number as the state of `t` at that minute; returns the snapshot's id.
async fn save(states: &dyn StateManager, n: i64, name: Option<&str>) -> Checked<String> {
    Ok(states.save_snapshot(&task_id("t"), &json!(n), name, at(n)).await?)
}

/// Loads the state of `t`.
async fn load(states: &dyn StateManager, name: Option<&str>) -> Checked<Option<Value>> {
    let loaded = states.load_snapshot(&task_id("t"), name).await?;
    Ok(loaded.map(|snapshot| snapshot.state))
}

/// Lists the ids of the states of `t`.
async fn ids(states: &dyn StateManager) -> Checked<Vec<String>> {
    let listed = states.list_snapshots(&task_id("t")).await?;
    Ok(listed.into_iter().map(|info| info.id).collect())
}

/// Checks `StateManager` 1.
async fn a_state_is_returned_as_it_was_saved(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    for (n, state) in [
        json!({ "z": [1, -2, 2.5, null, true], "a": { "": "日本語 \u{1F980} \u{0}\n" }, "m": {} }),
        json!([u64::MAX, i64::MIN, 0.1, 1e300]),
        json!("x".repeat(1 << 20)),
        Value::Null,
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("checkpoint {n} ä'\"%");
        let task = task_id("t");
        let id = states.save_snapshot(&task, &state, Some(&name), odd_time(1)).await?;
        let info =
            SnapshotInfo { id, task: task.clone(), name: Some(name.clone()), at: odd_time(1) };
        let loaded = states.load_snapshot(&task, Some(&name)).await?;
        ensure!(loaded == Some(Snapshot { info, state }), "state {n} was changed");
    }
    Ok(())
}

/// Checks `StateManager` 2.
async fn without_a_saved_state_loading_returns_none(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    ensure_eq!(load(&*states, None).await?, None, "a new store has a state");
    ensure_eq!(ids(&*states).await?.len(), 0, "the number of snapshots of a new store");
    save(&*states, 1, None).await?;
    ensure_eq!(load(&*states, Some("x")).await?, None, "a name that was never used was found");
    Ok(())
}

/// Checks `StateManager` 2.
async fn the_state_saved_last_is_loaded_whatever_its_time(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    save(&*states, 9, Some("named")).await?;
    save(&*states, 5, None).await?;
    let newest = load(&*states, None).await?;
    ensure_eq!(newest, Some(json!(5)), "the loaded state is not the one saved last");
    save(&*states, 3, Some("named")).await?;
    let newest = load(&*states, None).await?;
    ensure_eq!(newest, Some(json!(3)), "the loaded state is not the one saved last");
    Ok(())
}

/// Checks `StateManager` 2.
async fn a_name_refers_to_its_newest_state(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    for (n, name) in [(1, "x"), (9, "y"), (8, "x"), (2, "X")] {
        save(&*states, n, Some(name)).await?;
    }
    for (name, expected) in [("x", 8), ("y", 9), ("X", 2)] {
        let found = load(&*states, Some(name)).await?;
        ensure_eq!(found, Some(json!(expected)), "the state of the name {name}");
    }
    Ok(())
}

/// Checks `StateManager` 3.
async fn saving_under_a_used_name_keeps_the_older_state(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    let older = save(&*states, 1, Some("x")).await?;
    let newer = save(&*states, 2, Some("x")).await?;
    ensure!(older != newer, "two snapshots have the same id: {older}");
    let listed = ids(&*states).await?;
    ensure_eq!(listed, [older, newer.clone()], "the snapshots after a name was used again");
    states.delete_snapshot(&task_id("t"), &newer).await?;
    let found = load(&*states, Some("x")).await?;
    ensure_eq!(found, Some(json!(1)), "the state of a name after its newest was deleted");
    Ok(())
}

/// Checks `StateManager` 2.
async fn an_empty_name_is_refused(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    let saved = states.save_snapshot(&task_id("t"), &json!(1), Some(""), at(1)).await;
    ensure_refused!(saved, Error::Invalid { .. }, "an empty name was accepted");
    ensure_eq!(ids(&*states).await?.len(), 0, "a refused state was saved");
    Ok(())
}

/// Checks `StateManager` 4.
async fn snapshots_are_listed_oldest_first(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    let mut expected = Vec::new();
    // More than nine, so that ordering their numbers as text gives another order.
    for n in 1..=12 {
        let name = (n % 2 == 0).then_some("even");
        let id = save(&*states, n, name).await?;
        expected.push(SnapshotInfo {
            id,
            task: task_id("t"),
            name: name.map(ToOwned::to_owned),
            at: at(n),
        });
    }
    let listed = states.list_snapshots(&task_id("t")).await?;
    ensure_eq!(listed, expected, "snapshots are in another order");
    Ok(())
}

/// Checks `StateManager` 4.
async fn states_of_tasks_are_separate(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    let id = save(&*states, 1, Some("x")).await?;
    let other = task_id("other");
    let loaded = states.load_snapshot(&other, Some("x")).await?;
    ensure_eq!(loaded, None, "another task's state was loaded");
    let listed = states.list_snapshots(&other).await?;
    ensure_eq!(listed, [], "another task's state was listed");
    let deleted = states.delete_snapshot(&other, &id).await?;
    ensure!(!deleted, "another task's state was deleted");
    ensure_eq!(
        load(&*states, None).await?,
        Some(json!(1)),
        "the state after another task's was deleted"
    );
    Ok(())
}

/// Checks `StateManager` 5.
async fn deleting_removes_one_snapshot(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    let (a, b, c) = (
        save(&*states, 1, None).await?,
        save(&*states, 2, None).await?,
        save(&*states, 3, None).await?,
    );
    let task = task_id("t");
    ensure!(states.delete_snapshot(&task, &b).await?, "deleting a snapshot returned false");
    ensure!(!states.delete_snapshot(&task, &b).await?, "deleting a deleted snapshot returned true");
    for never in ["999", "", "x", "-1"] {
        let deleted = states.delete_snapshot(&task, never).await?;
        ensure!(!deleted, "deleting {never:?}, which was never saved, returned true");
    }
    ensure_eq!(ids(&*states).await?, [a, c.clone()], "the remaining snapshots");
    states.delete_snapshot(&task, &c).await?;
    ensure_eq!(
        load(&*states, None).await?,
        Some(json!(1)),
        "the loaded state is not the newest that remains"
    );
    Ok(())
}

/// Checks `StateManager` 3.
async fn ids_are_not_reused(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    let first = save(&*states, 1, None).await?;
    let second = save(&*states, 2, None).await?;
    states.delete_snapshot(&task_id("t"), &second).await?;
    let third = save(&*states, 3, None).await?;
    let numbers: Vec<u64> =
        [&first, &second, &third].into_iter().filter_map(|id| id.parse().ok()).collect();
    let grow = numbers.iter().zip(numbers.iter().skip(1)).all(|(a, b)| a < b);
    ensure!(
        numbers.len() == 3 && grow,
        "ids are not numbers that grow: {first}, {second} (deleted), {third}"
    );
    Ok(())
}

/// Checks `StateManager` 6.
async fn states_survive_a_restart(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    save(&*states, 1, Some("x")).await?;
    let last = save(&*states, 2, None).await?;
    drop(states);
    let states = fixture.open().await;
    let found = load(&*states, Some("x")).await?;
    ensure_eq!(found, Some(json!(1)), "an acknowledged state was lost or changed");
    states.delete_snapshot(&task_id("t"), &last).await?;
    drop(states);
    let states = fixture.open().await;
    let found = load(&*states, None).await?;
    ensure_eq!(found, Some(json!(1)), "a deleted state was returned after a restart");
    Ok(())
}
