//! The engine: claims a task, runs the agent on it, records the outcome.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{self, BoxStream, StreamExt};
use tokio::sync::mpsc;

use super::agent::Agent;
use super::children::SharedByChildren;
use super::claim::{OwnedTask, claim_named};
use super::contract::ExecutionEngine;
use super::event::{Discard, EventSink, RunEvent};
use super::keeper::LeaseKeeper;
use super::options::{AssumeAlive, EngineOptions, Liveness};
use super::stop::Stop;
use super::supervise::supervise;
use crate::approval::{Approver, Unattended};
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::journal::RunStore;
use crate::lease::LeaseClock;
use crate::policy::{Policy, WorkspacePolicy};
use crate::task::{CancelOutcome, Lease, Task};
use crate::tool::{NoTools, Toolbox};

/// The parts that all runs of an engine share.
#[derive(Debug, Clone)]
pub(crate) struct EngineContext {
    pub(super) store: Arc<dyn RunStore>,
    pub(super) agent: Arc<dyn Agent>,
    pub(super) toolbox: Arc<dyn Toolbox>,
    pub(super) policy: Arc<dyn Policy>,
    pub(super) approver: Arc<dyn Approver>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) lease_clock: LeaseClock,
    pub(super) sink: Arc<dyn EventSink>,
    pub(super) liveness: Arc<dyn Liveness>,
    pub(super) options: EngineOptions,
    pub(super) shared_by_children: Arc<SharedByChildren>,
}

impl EngineContext {
    /// Returns whether the worker that has a lease is gone, or has let it expire.
    pub(super) async fn is_abandoned(&self, lease: &Lease) -> Result<bool> {
        Ok(lease.until <= self.lease_clock.now().await? || self.liveness.is_gone(&lease.owner))
    }
}

/// Runs an agent on tasks of a store. A clone is another handle to the same engine.
///
/// ```
/// use std::sync::Arc;
/// use az_core::agent::{Answer, FnAgent};
/// use az_core::engine::{Engine, EngineOptions, ExecutionEngine};
/// use az_core::memory::MemoryStore;
/// use az_core::{Clock, Task, TaskId, TaskStatus, WorkerId};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let greeter = FnAgent::new(|run| {
///     Box::pin(async move { Ok(Answer(format!("hello, {}", run.task().command))) })
/// });
/// let options = EngineOptions::new(WorkerId::new("me")?);
/// let engine = Engine::new(Arc::new(MemoryStore::new()), Arc::new(greeter), options);
/// let task = Task::new(TaskId::new("t1")?, "world", az_core::clock::SystemClock.now())?;
/// let done = engine.execute(task, None).await?;
/// assert_eq!((done.status, done.answer.as_deref()), (TaskStatus::Completed, Some("hello, world")));
/// # Ok::<(), az_core::Error>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct Engine {
    context: Arc<EngineContext>,
    keeper: LeaseKeeper,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("context", &self.context).finish_non_exhaustive()
    }
}

impl Engine {
    /// Creates an engine without tools and without an event sink; the `with_` methods add them.
    ///
    /// By default, [`WorkspacePolicy`] decides about tool calls and no one can be asked for
    /// approval: a task whose call needs one ends with `ApprovalRequired`.
    pub fn new(store: Arc<dyn RunStore>, agent: Arc<dyn Agent>, options: EngineOptions) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let context = Arc::new(EngineContext {
            lease_clock: LeaseClock::new(Arc::<dyn RunStore>::clone(&store), Arc::clone(&clock)),
            store,
            agent,
            toolbox: Arc::new(NoTools),
            policy: Arc::new(WorkspacePolicy),
            approver: Arc::new(Unattended),
            clock,
            sink: Arc::new(Discard),
            liveness: Arc::new(AssumeAlive),
            shared_by_children: Arc::new(SharedByChildren::new(options.max_child_calls)),
            options,
        });
        Self { keeper: LeaseKeeper::new(), context }
    }

    /// Sets the tools.
    #[must_use]
    pub fn with_toolbox(mut self, toolbox: Arc<dyn Toolbox>) -> Self {
        Arc::make_mut(&mut self.context).toolbox = toolbox;
        self
    }

    /// Sets the policy that decides which tool calls may be made.
    #[must_use]
    pub fn with_policy(mut self, policy: Arc<dyn Policy>) -> Self {
        Arc::make_mut(&mut self.context).policy = policy;
        self
    }

    /// Sets the approver that is asked about the calls for which the policy returns `Ask`.
    #[must_use]
    pub fn with_approver(mut self, approver: Arc<dyn Approver>) -> Self {
        Arc::make_mut(&mut self.context).approver = approver;
        self
    }

    /// Sets the clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        let context = Arc::make_mut(&mut self.context);
        let store = Arc::<dyn RunStore>::clone(&context.store);
        context.lease_clock = LeaseClock::new(store, Arc::clone(&clock));
        context.clock = clock;
        self
    }

    /// Sets the sink for the events of all runs.
    #[must_use]
    pub fn with_sink(mut self, sink: Arc<dyn EventSink>) -> Self {
        Arc::make_mut(&mut self.context).sink = sink;
        self
    }

    /// Sets the liveness check of workers.
    #[must_use]
    pub fn with_liveness(mut self, liveness: Arc<dyn Liveness>) -> Self {
        Arc::make_mut(&mut self.context).liveness = liveness;
        self
    }

    /// Returns the engine's options.
    pub fn options(&self) -> &EngineOptions {
        &self.context.options
    }

    /// Executes a task until it ends or `stop` is requested. Dropping the future cancels the task.
    ///
    /// # Errors
    ///
    /// Those of [`ExecutionEngine::execute`].
    pub async fn execute_until(&self, task: Task, stop: Stop) -> Result<Task> {
        self.execute_with(task, None, stop).await
    }

    /// Resumes a stored task until it ends or `stop` is requested. Dropping the future cancels the
    /// task.
    ///
    /// # Errors
    ///
    /// `NotFound`, and those of [`ExecutionEngine::execute`].
    pub async fn resume_until(&self, id: &TaskId, stop: Stop) -> Result<Task> {
        let (engine, id, own) = (self.clone(), id.clone(), stop.clone());
        let run = async move {
            let claimed = claim_named(&engine.context, &id).await?;
            engine.drive(claimed, own).await
        };
        supervise(stop, run).await
    }

    /// Executes a task until it ends or `stop` is requested, and streams its events. Dropping the
    /// stream does not stop the task.
    ///
    /// # Errors
    ///
    /// Those of [`ExecutionEngine::execute_stream`].
    pub async fn execute_stream_until(
        &self,
        task: Task,
        tools: Option<Vec<String>>,
        stop: Stop,
    ) -> Result<BoxStream<'static, Result<RunEvent>>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let sink = Arc::new(Tee { first: Arc::clone(&self.context.sink), then: sender.clone() });
        let engine = self.clone().with_sink(sink);
        let claimed = engine.admit(task, tools).await?;
        tokio::spawn(async move {
            if let Err(error) = engine.drive(claimed, stop).await {
                // The receiver may have been dropped, which does not matter.
                sender.send(Err(error)).ok();
            }
        });
        Ok(stream::unfold(receiver, |mut receiver| async move {
            receiver.recv().await.map(|event| (event, receiver))
        })
        .boxed())
    }

    async fn execute_with(
        &self,
        task: Task,
        tools: Option<Vec<String>>,
        stop: Stop,
    ) -> Result<Task> {
        let (engine, own) = (self.clone(), stop.clone());
        let run = async move {
            let claimed = engine.admit(task, tools).await?;
            engine.drive(claimed, own).await
        };
        supervise(stop, run).await
    }

    /// Cancels a task in any state: queued, running in another process, or left by a process that
    /// crashed; and the tasks below it, also if it has ended.
    ///
    /// # Errors
    ///
    /// `NotFound`, or the store's own.
    pub async fn cancel(&self, id: &TaskId) -> Result<CancelOutcome> {
        let outcome = self.context.store.request_cancel(id, self.context.clock.now()).await?;
        let outcome = match outcome {
            CancelOutcome::Requested => self.end_if_abandoned(id).await?.unwrap_or(outcome),
            ended => ended,
        };
        self.end_abandoned_children(id).await?;
        Ok(outcome)
    }

    /// Runs a claimed task until it ends or `stop` is requested.
    pub(super) async fn drive(&self, owned: OwnedTask, stop: Stop) -> Result<Task> {
        let guard = self.keeper.keep(&self.context, &owned, &stop);
        // On the heap: it is large, and a part of the futures of all callers.
        let run = Box::pin(super::drive::drive(self.clone(), owned, stop));
        let ended = run.await;
        drop(guard);
        ended
    }

    pub(super) fn context(&self) -> &Arc<EngineContext> {
        &self.context
    }

    /// Creates the task if necessary, claims it, and restricts it to `tools` if given.
    async fn admit(&self, mut task: Task, tools: Option<Vec<String>>) -> Result<OwnedTask> {
        if let Some(names) = &tools {
            self.check_tools(names)?;
        }
        if self.context.store.get(&task.id).await?.is_none() {
            task.options.tools = tools.clone().or(task.options.tools);
            self.context.store.create(&task).await?;
        }
        let mut owned = claim_named(&self.context, &task.id).await?;
        // A stored task may have been created with other tools.
        let options = &mut owned.claimed.task.options;
        options.tools = tools.or(options.tools.take());
        Ok(owned)
    }

    /// Checks that every name is the name of a tool.
    fn check_tools(&self, names: &[String]) -> Result<()> {
        let specs = self.context.toolbox.specs();
        let known: Vec<&str> = specs.iter().map(|spec| spec.name.as_str()).collect();
        let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) else {
            return Ok(());
        };
        let reason = match known.as_slice() {
            [] => format!("there is no tool {unknown:?}; the engine has no tools"),
            known => format!("there is no tool {unknown:?}; the tools are {}", known.join(", ")),
        };
        Err(Error::invalid("tools", reason))
    }
}

#[async_trait]
impl ExecutionEngine for Engine {
    async fn execute(&self, task: Task, tools: Option<Vec<String>>) -> Result<Task> {
        self.execute_with(task, tools, Stop::new()).await
    }

    async fn execute_stream(
        &self,
        task: Task,
        tools: Option<Vec<String>>,
    ) -> Result<BoxStream<'static, Result<RunEvent>>> {
        self.execute_stream_until(task, tools, Stop::new()).await
    }
}

/// Forwards events to two sinks.
#[derive(Debug)]
struct Tee {
    first: Arc<dyn EventSink>,
    then: mpsc::UnboundedSender<Result<RunEvent>>,
}

impl EventSink for Tee {
    fn emit(&self, event: &RunEvent) {
        self.first.emit(event);
        // A dropped receiver does not stop the run.
        self.then.send(Ok(event.clone())).ok();
    }
}
