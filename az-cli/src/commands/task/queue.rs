//! Queues tasks for workers.

use std::process::ExitCode;

use az_core::clock::SystemClock;
use az_core::{Clock, Task};

use crate::error::CliError;
use crate::services::Services;
use crate::views::NoticeView;

/// Queues a task, and prints its id.
///
/// # Errors
///
/// The store's.
pub(super) async fn queue(services: &Services, task: Task) -> Result<ExitCode, CliError> {
    let task = services.store().await?.enqueue(&task, SystemClock.now()).await?;
    services.printer().say("queued; `az worker run` runs queued tasks");
    let id = task.id.to_string();
    let notice = NoticeView::TaskQueued { task: task.id, priority: task.priority };
    services.printer().done(&id, &notice)?;
    Ok(ExitCode::SUCCESS)
}
