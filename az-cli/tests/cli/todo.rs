//! The list of steps that a model keeps of its task.

use serde_json::{Value, json};

use crate::support::{Az, script};

fn set(items: &[(&str, &str)]) -> Value {
    let items = items.iter().map(|(text, status)| json!({"text": text, "status": status}));
    let arguments = json!({"items": items.collect::<Vec<_>>()});
    json!({"calls": [{"name": "todo.set", "arguments": arguments}]})
}

#[test]
fn the_list_of_steps_is_shown_while_a_task_runs_and_with_it() {
    let az = Az::new();
    let lines = [
        set(&[("read", "in_progress"), ("write", "pending")]),
        set(&[("read", "completed"), ("write", "in_progress")]),
        json!({"text": "done"}),
    ];
    let ended = az.az(&["task", "run", "work", "--model", &script(&az, &lines)]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    for progress in [
        "todo.set",
        "0 of 2 steps done; in progress: read",
        "1 of 2 steps done; in progress: write",
    ] {
        assert!(ended.stderr.contains(progress), "{}", ended.stderr);
    }
    let id = az.only_id();
    let shown = az.ok(&["task", "show", &id]);
    assert!(shown.contains("\nSteps\n[x] read\n[>] write\n"), "{shown}");
    let expected = json!([
        {"text": "read", "status": "completed"}, {"text": "write", "status": "in_progress"},
    ]);
    assert_eq!(az.shown(&id)["todo"], expected);
}
