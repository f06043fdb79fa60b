//! Waits for child tasks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Children;
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::task::{Task, TaskStatus};
use crate::text::Excerpt;
use crate::tool::ChildReport;

/// The most of the answer of a child that a report has, in bytes.
const LONGEST_TEXT: usize = 2 << 10;
/// The statuses of children that have not ended.
const NOT_ENDED: [TaskStatus; 2] = [TaskStatus::Pending, TaskStatus::Running];

impl Children {
    /// Waits until children have ended, for at most `limit`.
    pub(super) async fn wait(
        self: &Arc<Self>,
        tasks: &[TaskId],
        limit: Duration,
    ) -> Result<Vec<ChildReport>> {
        let deadline = Instant::now().checked_add(limit);
        let mut reports: Vec<Option<ChildReport>> = vec![None; tasks.len()];
        loop {
            // Before the tasks are read, so that no end in between is missed.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let is_over = deadline.is_some_and(|deadline| deadline <= Instant::now());
            for (id, report) in tasks.iter().zip(&mut reports) {
                let is_due = match report {
                    None => true,
                    Some(report) if report.status.is_ended() => false,
                    // The end of a child that this process runs is notified.
                    Some(_) => is_over || !self.is_local(id),
                };
                if is_due {
                    *report = Some(self.look_at(id).await?);
                }
            }
            let all = reports.iter().flatten().all(|report| report.status.is_ended());
            if all || is_over {
                return Ok(reports.into_iter().flatten().collect());
            }
            let polled = Instant::now().checked_add(self.engine.options().poll);
            let next = polled.into_iter().chain(deadline).min();
            tokio::select! {
                biased;
                () = self.stop.requested() => return Err(Error::Cancelled),
                () = changed => {}
                () = reached(next) => {}
            }
        }
    }

    /// Returns the state of a child; runs it if no other worker does.
    async fn look_at(self: &Arc<Self>, id: &TaskId) -> Result<ChildReport> {
        let context = self.engine.context();
        let child = context.store.get(id).await?;
        let is_own = |child: &Task| child.parent_task_id.as_ref() == Some(&self.parent.id);
        let Some(child) = child.filter(is_own) else { return Err(self.not_a_child(id).await?) };
        if child.options.spawned.is_some() && !self.is_local(id) && self.is_free(&child).await? {
            self.run(id);
        }
        Ok(report(&child))
    }

    /// Returns whether no worker runs a child that is to be run.
    async fn is_free(&self, child: &Task) -> Result<bool> {
        let context = self.engine.context();
        match child.status {
            TaskStatus::Pending => Ok(child.waiting.is_none()),
            TaskStatus::Running => match context.store.lease(&child.id).await? {
                Some(lease) => context.is_abandoned(&lease).await,
                None => Ok(false),
            },
            TaskStatus::Initialized
            | TaskStatus::Completed
            | TaskStatus::Failed
            | TaskStatus::Cancelled => Ok(false),
        }
    }

    async fn not_a_child(&self, id: &TaskId) -> Result<Error> {
        let children = self.in_statuses(NOT_ENDED.into_iter()).await?;
        let ids: Vec<_> = children.iter().map(|child| child.id.as_str()).collect();
        let those = match ids.as_slice() {
            [] => "it has none that has not ended".to_owned(),
            ids => format!("those that have not ended are {}", ids.join(", ")),
        };
        Ok(Error::invalid("tasks", format!("{id} is not a child task of this task; {those}")))
    }

    /// Returns the children whose end the model was not told, oldest first: those that have not ended, and those
    /// that ended before the wait.
    pub(super) async fn untold(&self, told: &BTreeSet<TaskId>) -> Result<Vec<TaskId>> {
        let ended = [TaskStatus::Completed, TaskStatus::Failed, TaskStatus::Cancelled];
        let children = self.in_statuses(NOT_ENDED.into_iter().chain(ended)).await?;
        Ok(children.into_iter().map(|child| child.id).filter(|id| !told.contains(id)).collect())
    }

    /// Lists the children in these statuses, oldest first.
    async fn in_statuses(
        &self,
        statuses: impl Iterator<Item = TaskStatus> + Send,
    ) -> Result<Vec<Task>> {
        let mut children = Vec::new();
        for status in statuses {
            children.extend(self.list(status).await?);
        }
        children.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        // One whose status changed between the lists is in both.
        children.dedup_by(|a, b| a.id == b.id);
        Ok(children)
    }
}

fn report(child: &Task) -> ChildReport {
    let text = match (&child.waiting, &child.answer, &child.failure) {
        (Some(waiting), ..) => format!("it waits for {}", waiting.in_words()),
        (None, Some(answer), _) => answer.clone(),
        (None, None, Some(failure)) => failure.message.clone(),
        (None, None, None) => String::new(),
    };
    ChildReport::new(child.id.clone(), child.status, Excerpt::of(&text, LONGEST_TEXT).render())
}

/// Waits until a moment, which is real time; forever if there is none.
async fn reached(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
