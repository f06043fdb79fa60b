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
    /// Plays every scenario of [`StateManager`]'s contract.
    state_manager for Fixture<dyn StateManager>, in state_manager_conformance;

    a_state_comes_back_as_it_was_saved;
    nothing_saved_is_nothing_loaded;
    the_state_saved_last_is_loaded_whatever_its_time;
    a_name_means_the_newest_of_that_name;
    saving_under_a_name_in_use_keeps_the_older_state;
    an_empty_name_is_refused;
    snapshots_are_listed_oldest_first;
    tasks_do_not_see_each_others_states;
    deleting_takes_one_snapshot;
    ids_are_not_given_again;
    states_survive_a_restart needs durable;
}

/// What the scenarios are played with.
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

async fn a_state_comes_back_as_it_was_saved(fixture: States<'_>) -> Checked {
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
        ensure!(
            loaded == Some(Snapshot { info, state }),
            "state {n} came back otherwise than saved"
        );
    }
    Ok(())
}

async fn nothing_saved_is_nothing_loaded(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    ensure_eq!(load(&*states, None).await?, None, "a state came from nowhere");
    ensure_eq!(ids(&*states).await?.len(), 0, "snapshots came from nowhere");
    save(&*states, 1, None).await?;
    ensure_eq!(load(&*states, Some("x")).await?, None, "a name never given was found");
    Ok(())
}

async fn the_state_saved_last_is_loaded_whatever_its_time(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    save(&*states, 9, Some("named")).await?;
    save(&*states, 5, None).await?;
    let newest = load(&*states, None).await?;
    ensure_eq!(newest, Some(json!(5)), "the state saved last was not the one loaded");
    save(&*states, 3, Some("named")).await?;
    let newest = load(&*states, None).await?;
    ensure_eq!(newest, Some(json!(3)), "the state saved last was not the one loaded");
    Ok(())
}

async fn a_name_means_the_newest_of_that_name(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    for (n, name) in [(1, "x"), (9, "y"), (8, "x"), (2, "X")] {
        save(&*states, n, Some(name)).await?;
    }
    for (name, expected) in [("x", 8), ("y", 9), ("X", 2)] {
        let found = load(&*states, Some(name)).await?;
        ensure_eq!(found, Some(json!(expected)), "the name {name} means another state");
    }
    Ok(())
}

async fn saving_under_a_name_in_use_keeps_the_older_state(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    let older = save(&*states, 1, Some("x")).await?;
    let newer = save(&*states, 2, Some("x")).await?;
    ensure!(older != newer, "two snapshots have one id: {older}");
    let listed = ids(&*states).await?;
    ensure_eq!(listed, [older, newer.clone()], "the older state of a name is gone");
    states.delete_snapshot(&task_id("t"), &newer).await?;
    let found = load(&*states, Some("x")).await?;
    ensure_eq!(found, Some(json!(1)), "without the newer state a name means another");
    Ok(())
}

async fn an_empty_name_is_refused(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    let saved = states.save_snapshot(&task_id("t"), &json!(1), Some(""), at(1)).await;
    ensure_refused!(saved, Error::Invalid { .. }, "an empty name was taken");
    ensure_eq!(ids(&*states).await?.len(), 0, "a refused state was kept");
    Ok(())
}

async fn snapshots_are_listed_oldest_first(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    let mut expected = Vec::new();
    // Enough of them that text would order their numbers otherwise.
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
    ensure_eq!(listed, expected, "snapshots came in another order");
    Ok(())
}

async fn tasks_do_not_see_each_others_states(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    let id = save(&*states, 1, Some("x")).await?;
    let other = task_id("other");
    let loaded = states.load_snapshot(&other, Some("x")).await?;
    ensure_eq!(loaded, None, "another task's state was loaded");
    let listed = states.list_snapshots(&other).await?;
    ensure_eq!(listed, [], "another task's state was listed");
    let deleted = states.delete_snapshot(&other, &id).await?;
    ensure!(!deleted, "another task's state was deleted");
    ensure_eq!(load(&*states, None).await?, Some(json!(1)), "a state is gone");
    Ok(())
}

async fn deleting_takes_one_snapshot(fixture: States<'_>) -> Checked {
    let states = fixture.open().await;
    let (a, b, c) = (
        save(&*states, 1, None).await?,
        save(&*states, 2, None).await?,
        save(&*states, 3, None).await?,
    );
    let task = task_id("t");
    ensure!(states.delete_snapshot(&task, &b).await?, "deleting did not say that it did");
    ensure!(!states.delete_snapshot(&task, &b).await?, "a snapshot was deleted twice");
    for never in ["999", "", "x", "-1"] {
        let deleted = states.delete_snapshot(&task, never).await?;
        ensure!(!deleted, "a snapshot {never:?} was deleted that never was");
    }
    ensure_eq!(ids(&*states).await?, [a, c.clone()], "the wrong snapshots are left");
    states.delete_snapshot(&task, &c).await?;
    ensure_eq!(load(&*states, None).await?, Some(json!(1)), "the newest left was not loaded");
    Ok(())
}

async fn ids_are_not_given_again(fixture: States<'_>) -> Checked {
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
    ensure_eq!(found, Some(json!(1)), "a deleted state came back");
    Ok(())
}
