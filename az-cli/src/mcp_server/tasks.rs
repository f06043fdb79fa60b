//! Runs the tasks of clients, as `az worker run` does.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use az_core::clock::{Clock, SystemClock};
use az_core::cost::{Budget, Limit, Period, Scope};
use az_core::engine::{Discard, Engine, Stop, StopReason, WhenIdle, Worker, WorkerOptions};
use az_core::store::Store;
use az_core::task::{TaskOptions, TaskRepository};
use az_core::tool::is_model_of_a_file;
use az_core::{Error, Result, Task, TaskId, Usd, blocking};
use az_mcp::server::{ServeTasks, ServedTask, TaskRequest};
use tokio::sync::{Mutex, OnceCell};
use tokio::task::JoinHandle;

use super::limits::ServeLimits;
use crate::completer::to_core;
use crate::services::Services;

/// How long an idle worker waits before it polls the queue again: a client waits for it.
const POLL: Duration = Duration::from_millis(100);
/// How many tasks run at once.
const CONCURRENCY: usize = 4;

/// The tasks of the clients of a server. The worker begins with the first one, so that a server whose clients
/// run none costs nothing.
#[derive(Debug)]
pub(crate) struct QueuedTasks {
    services: Arc<Services>,
    limits: ServeLimits,
    /// The most that a task may spend.
    budget: Usd,
    engine: OnceCell<Engine>,
    worker: Mutex<Option<JoinHandle<()>>>,
    stop: Stop,
}

impl QueuedTasks {
    pub(crate) fn new(services: Arc<Services>, limits: ServeLimits, budget: Usd) -> Self {
        let (engine, worker) = (OnceCell::new(), Mutex::default());
        Self { services, limits, budget, engine, worker, stop: Stop::new() }
    }

    /// Returns the tasks that run to the queue, for the next worker.
    pub(crate) async fn close(&self) {
        self.stop.request(StopReason::Shutdown);
        if let Some(worker) = self.worker.lock().await.take() {
            worker.await.ok();
        }
    }

    async fn store(&self) -> Result<Arc<dyn Store>> {
        self.services.store().await.map_err(to_core)
    }

    async fn engine(&self) -> Result<&Engine> {
        let create = || self.services.engine(Arc::new(Discard), None, None);
        self.engine.get_or_try_init(create).await.map_err(to_core)
    }

    /// Starts the worker, unless it runs.
    async fn start_worker(&self) -> Result<()> {
        let engine = self.engine().await?.clone();
        let mut worker = self.worker.lock().await;
        if worker.as_ref().is_none_or(JoinHandle::is_finished) {
            let options =
                WorkerOptions { concurrency: CONCURRENCY, when_idle: WhenIdle::Wait, poll: POLL };
            let stop = self.stop.clone();
            *worker = Some(tokio::spawn(async move {
                if let Err(error) = Worker::new(engine, options).run(stop).await {
                    tracing::error!(target: "az::mcp", "{error}");
                }
            }));
        }
        Ok(())
    }

    /// Returns the options of a task, which has no more than the clients.
    async fn options(&self, request: &TaskRequest) -> Result<TaskOptions> {
        let given = &self.limits.options;
        let settings = self.services.settings();
        let mut options = TaskOptions::default()
            .with_tools(self.tools(request.task.tools.as_deref())?)
            .with_allow(&given.allow)
            .with_deny(&given.deny);
        options.workspace = self.workspace(request.workspace.clone()).await?;
        options.max_steps = settings.task.max_steps.map(std::num::NonZeroU32::get);
        options.max_calls = settings.task.max_calls.map(std::num::NonZeroU32::get);
        options.timeout = settings.task.timeout;
        options.unattended = settings.tools.unattended;
        Ok(options)
    }

    fn tools(&self, requested: Option<&[String]>) -> Result<Vec<String>> {
        let specs = self.services.tools().map_err(to_core)?.specs();
        let usable = specs.iter().filter(|spec| self.limits.lets_tasks_use(spec));
        let usable: Vec<String> = usable.map(|spec| spec.name.clone()).collect();
        let Some(requested) = requested else { return Ok(usable) };
        match requested.iter().find(|name| !usable.contains(name)) {
            None => Ok(requested.to_vec()),
            Some(name) => {
                let usable = usable.join(", ");
                let what = format!("no task may use {name:?}; they may use {usable}");
                Err(Error::invalid("tools", what))
            }
        }
    }

    /// Returns the directory of a task, which is in that of the clients.
    async fn workspace(&self, requested: Option<String>) -> Result<Option<String>> {
        let own = self.limits.options.workspace.clone();
        let (Some(own), Some(requested)) = (&own, requested) else { return Ok(own) };
        let (root, wanted) = (own.clone(), Path::new(own).join(&requested));
        let found = blocking::run(move || wanted.canonicalize()).await?.ok();
        let found = found.filter(|path| path.starts_with(&root) && path.is_dir());
        let found = found.and_then(|path| path.into_os_string().into_string().ok());
        let what = || format!("{requested:?} is not a directory in the workspace of the server");
        found.map(Some).ok_or_else(|| Error::invalid("workspace", what()))
    }

    async fn model(&self, requested: Option<&str>) -> Result<String> {
        let refused = |name: &str| {
            let what = "reads or writes a file, which no task of a client may";
            Err(Error::invalid("model", format!("{name} {what}; name another model")))
        };
        match requested {
            Some(name) if is_model_of_a_file(name) => return refused(name),
            _ => {}
        }
        let models = self.services.models().map_err(to_core)?;
        let name = models.choose(requested).await.map_err(to_core)?.name;
        if is_model_of_a_file(&name) { refused(&name) } else { Ok(name) }
    }

    fn budget(&self, requested: Option<Usd>) -> Result<Usd> {
        match requested {
            Some(amount) if amount > self.budget => {
                let most = self.budget;
                let what = format!("{amount} is more than the {most} that a task may spend here");
                Err(Error::invalid("budget", what))
            }
            requested => Ok(requested.unwrap_or(self.budget)),
        }
    }

    /// Returns a task in the workspace of the clients.
    async fn find(&self, id: &TaskId) -> Result<Task> {
        let task = TaskRepository::get(&*self.store().await?, id).await?;
        let own = self.limits.options.workspace.as_deref();
        let is_inside = |task: &Task| match (task.options.workspace.as_deref(), own) {
            (Some(path), Some(own)) => Path::new(path).starts_with(own),
            _ => false,
        };
        task.filter(is_inside).ok_or_else(|| Error::not_found("task", id.as_str()))
    }
}

#[async_trait]
impl ServeTasks for QueuedTasks {
    async fn run(&self, request: &TaskRequest) -> Result<TaskId> {
        let options = self.options(request).await?;
        let amount = self.budget(request.task.budget)?;
        let model = self.model(request.task.model.as_deref()).await?;
        let task = self.services.new_task(&request.task.command, None).map_err(to_core)?;
        let task = task.with_options(options).with_model(model);
        self.start_worker().await?;
        let (store, now) = (self.store().await?, SystemClock.now());
        let scope = Scope::Payer((&task.id).into());
        let (period, limit) = (Period::Total, Limit::Hard);
        let budget = Budget { scope, period, amount, alerts: Vec::new(), limit };
        store.set_budget(&budget, now).await?;
        Ok(store.enqueue(&task, now).await?.id)
    }

    async fn look(&self, task: &TaskId) -> Result<ServedTask> {
        let task = self.find(task).await?;
        let waits =
            task.waiting.as_ref().map(|waiting| format!("waits for {}", waiting.in_words()));
        let failed = task.failure.map(|failure| failure.message);
        Ok(ServedTask::new(task.id, task.status)
            .with_answer(task.answer)
            .with_reason(waits.or(failed)))
    }

    async fn cancel(&self, task: &TaskId) -> Result<ServedTask> {
        let task = self.find(task).await?;
        self.engine().await?.cancel(&task.id).await?;
        self.look(&task.id).await
    }
}
