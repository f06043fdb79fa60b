//! Spawns child tasks.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::Children;
use crate::cost::Payer;
use crate::engine::budget::budget_left;
use crate::engine::stop::StopReason;
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::money::Usd;
use crate::task::{Spawned, Task, TaskOptions, TaskStatus};
use crate::text::plural;
use crate::tool::{SpawnRequest, TASK_WAIT, finds_tools, is_model_of_a_file};

impl Children {
    /// Spawns a child for the call with a key, unless an earlier attempt has.
    pub(super) async fn spawn(
        self: &Arc<Self>,
        key: &str,
        request: &SpawnRequest,
    ) -> Result<TaskId> {
        let id = id_of(key)?;
        let context = self.engine.context();
        if context.store.get(&id).await?.is_none() {
            let child = self.child(id.clone(), request)?;
            let mut free = context.shared_by_children.lock_spawning().await;
            self.check_number().await?;
            self.check_tree(&mut free).await?;
            self.check_budget(request.budget).await?;
            self.queue(&child).await?;
        }
        self.run(&id);
        Ok(id)
    }

    /// Queues a child that is new, or that was cancelled with this task.
    pub(super) async fn queue(&self, child: &Task) -> Result<()> {
        let context = self.engine.context();
        let queued = context.store.spawn(&self.lease, child, context.clock.now()).await;
        match &queued {
            // The run has not seen it yet.
            Err(Error::Cancelled) => self.stop.request(StopReason::Cancelled),
            Err(Error::LeaseLost { .. }) => self.stop.request(StopReason::LeaseLost),
            _ => {}
        }
        queued.map(drop)
    }

    /// Returns the task to queue: with the limits, the permissions and the workspace of its parent.
    fn child(&self, id: TaskId, request: &SpawnRequest) -> Result<Task> {
        let now = self.engine.context().clock.now();
        let level = self.level()?;
        let tools = self.tools(request.tools.as_deref())?;
        let allowed = self.engine.options().child_models.as_deref();
        let model = model(self.parent.model.as_deref(), request.model.as_deref(), allowed)?;
        let given = &self.parent.options;
        // All fields are named, so that a new one is not forgotten.
        let options = TaskOptions {
            tools,
            allow: given.allow.clone(),
            deny: given.deny.clone(),
            max_steps: given.max_steps,
            max_calls: given.max_calls,
            timeout: given.timeout,
            workspace: given.workspace.clone(),
            env: given.env.clone(),
            unattended: given.unattended,
            instructions: given.instructions.clone(),
            effort: given.effort,
            input: None,
            images: Arc::default(),
            until: Vec::new(),
            output_schema: None,
            origin: None,
            spawned: Some(Spawned::at_level(level).with_budget(request.budget)),
        };
        let child = Task::new(id, &*request.command, now)?
            .with_priority(self.parent.priority)
            .with_options(options)
            .with_parent(self.parent.id.clone());
        Ok(match model {
            Some(model) => child.with_model(model),
            None => child,
        })
    }

    fn level(&self) -> Result<u32> {
        let own = self.parent.options.spawned.as_ref().map_or(0, |spawned| spawned.level);
        let most = self.engine.options().max_child_levels;
        if own < most {
            return Ok(own + 1);
        }
        let reason = match most {
            0 => "child tasks are switched off; do the work in this task".to_owned(),
            _ => format!(
                "this task is {} below the first one, which is the most; do the work in this task",
                plural(own, "level")
            ),
        };
        Err(Error::invalid("level", reason))
    }

    /// Returns the tools of a child: those of its parent, or the requested ones of them.
    fn tools(&self, requested: Option<&[String]>) -> Result<Option<Vec<String>>> {
        let own = self.parent.options.tools.as_deref();
        let Some(requested) = requested else { return Ok(own.map(<[String]>::to_vec)) };
        let specs = self.engine.context().toolbox.specs();
        let may_use = |name: &str| {
            finds_tools(name) || own.is_none_or(|own| own.iter().any(|tool| tool == name))
        };
        let known = specs.iter().map(|spec| spec.name.as_str());
        let usable: Vec<&str> = known.filter(|name| may_use(name)).collect();
        let Some(unknown) = requested.iter().find(|name| !usable.contains(&name.as_str())) else {
            return Ok(Some(requested.to_vec()));
        };
        let what = match specs.iter().any(|spec| spec.name == *unknown) {
            true => format!("this task may not use {unknown:?}, and neither may a child task"),
            false => format!("there is no tool {unknown:?}"),
        };
        let usable = usable.join(", ");
        Err(Error::invalid("tools", format!("{what}; the tools that it may get are {usable}")))
    }

    /// Checks that one more child may run.
    async fn check_number(&self) -> Result<()> {
        let most = self.engine.options().max_children;
        let pending = self.list(TaskStatus::Pending).await?.len();
        let running = self.list(TaskStatus::Running).await?.len();
        if pending + running < most {
            return Ok(());
        }
        let number = plural(pending + running, "child task");
        let reason = format!(
            "{number} have not ended, and at most {most} may run at once; wait for some with {TASK_WAIT}"
        );
        Err(Error::invalid("tasks", reason))
    }

    /// Checks that a child may spend an amount: that this task has as much left.
    async fn check_budget(&self, amount: Option<Usd>) -> Result<()> {
        let Some(amount) = amount else { return Ok(()) };
        let context = self.engine.context();
        let now = context.clock.now();
        let left = budget_left(&*context.store, &Payer::from(&self.parent.id), now).await?;
        if let Some(left) = left.filter(|left| *left < amount) {
            let reason = format!(
                "{amount} is more than the {left} that this task has left; set a smaller one"
            );
            return Err(Error::invalid("budget", reason));
        }
        Ok(())
    }
}

/// Returns the id of the child that the call with a key spawns, which is the same for each attempt: a UUID of
/// version 8, made of a digest.
fn id_of(key: &str) -> Result<TaskId> {
    let digest = Sha256::digest(format!("child task of {key}").as_bytes());
    let hex: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    let part = |range| hex.get(range).unwrap_or_default();
    let [first, second, third, fourth, last] =
        [part(0..8), part(8..12), part(13..16), part(17..20), part(20..32)];
    TaskId::new(format!("{first}-{second}-8{third}-8{fourth}-{last}"))
}

/// The name of the planner that is no model.
const PLANNER: &str = "offline";

/// Returns the model of a child: that of its parent, or one that is `allowed`, if those are listed. A model that reads
/// or writes a file is only that of its parent.
fn model(
    own: Option<&str>,
    requested: Option<&str>,
    allowed: Option<&[String]>,
) -> Result<Option<String>> {
    let refused = |reason: String| Err(Error::invalid("model", reason));
    match (own, requested) {
        (own, None) => Ok(own.map(str::to_owned)),
        (Some(own), Some(requested)) if own == requested => Ok(Some(own.to_owned())),
        (Some(own), Some(_)) if is_model_of_a_file(own) => refused(format!(
            "this task runs on {own}, and so do its child tasks; leave the model out"
        )),
        (_, Some(requested)) if is_model_of_a_file(requested) => refused(format!(
            "a child task cannot run on {requested}, which reads or writes a file; leave the model out"
        )),
        // What the planner does is not checked against what a model has read.
        (_, Some(PLANNER)) => refused(format!(
            "a child task cannot run on {PLANNER}, which is no model; leave the model out"
        )),
        (_, Some(requested)) => match allowed {
            None => Ok(Some(requested.to_owned())),
            Some(allowed) if allowed.iter().any(|name| name == requested) => {
                Ok(Some(requested.to_owned()))
            }
            Some([]) => refused(format!(
                "a child task may not run on {requested}, only on the model of this task; leave the model out"
            )),
            Some(allowed) => refused(format!(
                "a child task may not run on {requested}; name one of {}, or leave the model out",
                allowed.join(", ")
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{id_of, model};

    #[test]
    fn the_id_of_a_child_depends_on_the_key_of_its_call_only() {
        let id = id_of("t:7").unwrap();
        assert_eq!(id, id_of("t:7").unwrap());
        assert_ne!(id, id_of("t:8").unwrap());
        let parts: Vec<_> = id.as_str().split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
    }

    #[test]
    fn a_child_gets_its_parents_model_or_one_of_those_that_are_listed() {
        let listed = ["claude", "local/small"].map(str::to_owned);
        for (allowed, requested, expected) in [
            (None, "openai/large", None),
            (Some(&listed[..]), "claude", None),
            (Some(&listed), "own", None),
            (
                Some(&listed),
                "openai/large",
                Some(
                    "a child task may not run on openai/large; name one of claude, local/small, or leave the \
                     model out",
                ),
            ),
            (Some(&[]), "claude", Some("only on the model of this task; leave the model out")),
        ] {
            let found = model(Some("own"), Some(requested), allowed);
            match expected {
                None => assert_eq!(found.unwrap().as_deref(), Some(requested)),
                Some(reason) => {
                    let error = found.unwrap_err().to_string();
                    assert!(error.contains(reason), "{error}");
                }
            }
        }
    }

    #[test]
    fn a_child_gets_a_model_of_a_file_only_from_its_parent() {
        let script = "scripted:a.jsonl";
        for (own, requested, expected) in [
            (None, None, Ok(None)),
            (Some("claude"), None, Ok(Some("claude"))),
            (Some("claude"), Some("local/small"), Ok(Some("local/small"))),
            (Some(script), None, Ok(Some(script))),
            (Some(script), Some(script), Ok(Some(script))),
            (Some(script), Some("scripted:b.jsonl"), Err("so do its child tasks")),
            (Some(script), Some("claude"), Err("so do its child tasks")),
            (Some("claude"), Some("offline"), Err("which is no model")),
            (None, Some("offline"), Err("which is no model")),
            (Some("offline"), Some("offline"), Ok(Some("offline"))),
            (Some("claude"), Some(script), Err("cannot run on scripted:a.jsonl")),
            (None, Some("record:x@claude"), Err("cannot run on record:x@claude")),
            (Some("claude"), Some(" replay:x"), Err("which reads or writes a file")),
        ] {
            match (model(own, requested, None), expected) {
                (Ok(found), Ok(expected)) => assert_eq!(found.as_deref(), expected),
                (Err(error), Err(reason)) => assert!(error.to_string().contains(reason), "{error}"),
                (found, _) => panic!("{own:?} {requested:?}: {found:?}"),
            }
        }
    }
}
