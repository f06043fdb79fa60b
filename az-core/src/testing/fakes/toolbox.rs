//! Tools with scripted outputs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::id::TaskId;
use crate::tool::{
    BackgroundProcess, EffectClass, Invocation, PreparedCall, Probed, Progress, ToolOutput,
    ToolScope, ToolSpec, Toolbox,
};

/// A tool with scripted outputs.
#[derive(Debug, Clone)]
pub struct FakeTool {
    name: String,
    effect: EffectClass,
    scope: ToolScope,
    required: Vec<String>,
    outputs: Vec<ToolOutput>,
    progress: Vec<Progress>,
    endless: bool,
    replaces: Option<String>,
    leaves_running: Option<String>,
}

impl FakeTool {
    /// Creates a tool that reads inside the workspace: it changes nothing, and returns its
    /// arguments.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            effect: EffectClass::Read,
            scope: ToolScope::Workspace,
            required: Vec::new(),
            outputs: Vec::new(),
            progress: Vec::new(),
            endless: false,
            replaces: None,
            leaves_running: None,
        }
    }

    /// Sets the effect class.
    #[must_use]
    pub const fn with_effect(mut self, effect: EffectClass) -> Self {
        self.effect = effect;
        self
    }

    /// Sets the scope.
    #[must_use]
    pub const fn with_scope(mut self, scope: ToolScope) -> Self {
        self.scope = scope;
        self
    }

    /// Adds a required argument.
    #[must_use]
    pub fn requiring(mut self, argument: impl Into<String>) -> Self {
        self.required.push(argument.into());
        self
    }

    /// Adds an output. The first call returns the first output; once all are used, further calls
    /// return the last.
    #[must_use]
    pub fn answering(mut self, output: ToolOutput) -> Self {
        self.outputs.push(output);
        self
    }

    /// Adds a progress report that every call sends, in the order of adding.
    #[must_use]
    pub fn reporting(mut self, progress: Progress) -> Self {
        self.progress.push(progress);
        self
    }

    /// Makes every call run until it is cancelled.
    #[must_use]
    pub const fn without_end(mut self) -> Self {
        self.endless = true;
        self
    }

    /// Makes every call replace this file: it fails for a model that has not seen all of it.
    #[must_use]
    pub fn replacing(mut self, path: impl Into<String>) -> Self {
        self.replaces = Some(path.into());
        self
    }

    /// Makes every call leave a process with this command running in the background. The tool is
    /// of class `Unsafe` then.
    #[must_use]
    pub fn leaving_running(mut self, command: impl Into<String>) -> Self {
        self.leaves_running = Some(command.into());
        self.with_effect(EffectClass::Unsafe)
    }

    fn spec(&self) -> ToolSpec {
        let properties: BTreeMap<_, _> = self.required.iter().map(|a| (a, json!({}))).collect();
        let schema = json!({
            "type": "object",
            "properties": properties,
            "required": self.required,
        });
        ToolSpec::new(&self.name, format!("Simulates {}.", self.name), schema)
            .with_category("fake")
            .with_effect(self.effect)
            .with_scope(self.scope)
    }

    fn check(&self, arguments: &Value) -> Result<()> {
        let Some(given) = arguments.as_object() else {
            return Err(Error::invalid("arguments", "must be an object"));
        };
        match self.required.iter().find(|name| !given.contains_key(*name)) {
            Some(name) => Err(Error::invalid("arguments", format!("{name} is missing"))),
            None => Ok(()),
        }
    }

    fn output(&self, earlier_calls: usize, arguments: &Value) -> ToolOutput {
        let output = self.outputs.get(earlier_calls).or(self.outputs.last());
        let echo = || ToolOutput::done(arguments.to_string());
        output.cloned().unwrap_or_else(echo)
    }
}

/// Tools with scripted outputs, which record their effects.
///
/// A clone shares the record, as the tools of a restarted process share the outside world.
#[derive(Debug, Clone, Default)]
pub struct FakeToolbox {
    tools: Vec<FakeTool>,
    specs: Arc<[ToolSpec]>,
    world: Arc<Mutex<World>>,
    before_invoking: Hook,
}

/// A function that runs before each call.
#[derive(Clone, Default)]
struct Hook(Option<Arc<dyn Fn() + Send + Sync>>);

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Hook").field(&self.0.is_some()).finish()
    }
}

#[derive(Debug, Default)]
struct World {
    invoked: Vec<Invocation>,
    abandoned: Vec<Invocation>,
    /// The keys of the effects, one for each time that it happened.
    happened: BTreeMap<String, Vec<ToolOutput>>,
    /// The processes that run in the background, by task.
    background: BTreeMap<TaskId, Vec<BackgroundProcess>>,
    /// The number of processes that were started.
    started: u32,
}

impl FakeToolbox {
    /// Creates a toolbox without tools.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a tool.
    #[must_use]
    pub fn with(mut self, tool: FakeTool) -> Self {
        self.tools.push(tool);
        self.specs = self.tools.iter().map(FakeTool::spec).collect();
        self
    }

    /// Sets a function that runs at the beginning of each call, before the tool checks its lease.
    #[must_use]
    pub fn before_invoking(mut self, hook: Arc<dyn Fn() + Send + Sync>) -> Self {
        self.before_invoking = Hook(Some(hook));
        self
    }

    /// Returns the calls that were made, in order.
    pub fn invoked(&self) -> Vec<Invocation> {
        self.world().invoked.clone()
    }

    /// Returns the calls that were abandoned, in order.
    pub fn abandoned(&self) -> Vec<Invocation> {
        self.world().abandoned.clone()
    }

    /// Returns the number of effects under each key.
    ///
    /// Reading has no effect; an idempotent tool has one effect for a key, however often it is
    /// called; other tools have one for every call.
    pub fn effects(&self) -> BTreeMap<String, usize> {
        let world = self.world();
        let counts = world.happened.iter();
        counts.map(|(key, times)| (key.clone(), times.len())).collect()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tool(&self, call: &Invocation) -> Result<&FakeTool> {
        let tool = self.tools.iter().find(|tool| tool.name == call.tool);
        tool.ok_or_else(|| Error::not_found("tool", &call.tool))
    }
}

impl World {
    fn invoke(&mut self, tool: &FakeTool, call: &Invocation) -> ToolOutput {
        let same = |earlier: &&Invocation| earlier.tool == call.tool;
        let output = tool.output(self.invoked.iter().filter(same).count(), &call.arguments);
        self.invoked.push(call.clone());
        if let Some(command) = &tool.leaves_running {
            self.started += 1;
            let process = BackgroundProcess::new(self.started, command);
            self.background.entry(call.task.clone()).or_default().push(process);
        }
        match tool.effect {
            EffectClass::Read => {}
            EffectClass::Idempotent => {
                let times = self.happened.entry(call.key.clone()).or_default();
                if times.is_empty() {
                    times.push(output.clone());
                }
            }
            EffectClass::Probe | EffectClass::Unsafe => {
                let times = self.happened.entry(call.key.clone()).or_default();
                times.push(output.clone());
            }
        }
        output
    }
}

#[async_trait]
impl Toolbox for FakeToolbox {
    fn specs(&self) -> Arc<[ToolSpec]> {
        Arc::clone(&self.specs)
    }

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        let tool = self.tool(&call)?;
        tool.check(&call.arguments)?;
        Ok(PreparedCall::new(call, tool.effect))
    }

    async fn witness(&self, call: &PreparedCall) -> Result<Option<Value>> {
        let probe = call.effect == EffectClass::Probe;
        Ok(probe.then(|| json!({ "key": call.invocation.key })))
    }

    async fn invoke(&self, call: PreparedCall) -> Result<ToolOutput> {
        let call = call.invocation;
        let tool = self.tool(&call)?;
        if let Hook(Some(hook)) = &self.before_invoking {
            hook();
        }
        if tool.effect > EffectClass::Read {
            call.lease.check()?;
        }
        if let (Some(path), Some(seen)) = (&tool.replaces, &call.seen)
            && !seen.is_complete(path)
        {
            return Ok(ToolOutput::failed(format!("read {path} first")));
        }
        let output = self.world().invoke(tool, &call);
        for progress in &tool.progress {
            call.progress.report(progress.clone());
            // Lets the engine emit this report before the next one replaces it.
            tokio::task::yield_now().await;
        }
        if tool.endless {
            call.cancel.cancelled().await;
            return Ok(ToolOutput::unknown("cancelled; the outcome is unknown"));
        }
        Ok(output)
    }

    async fn probe(&self, call: &PreparedCall, _witness: Option<&Value>) -> Result<Probed> {
        if call.effect != EffectClass::Probe {
            return Ok(Probed::Unknown);
        }
        let world = self.world();
        let output = world.happened.get(&call.invocation.key).and_then(|times| times.last());
        Ok(output.map_or(Probed::DidNotHappen, |output| Probed::Happened(output.clone())))
    }

    async fn abandon(&self, call: &PreparedCall) -> Result<()> {
        self.world().abandoned.push(call.invocation.clone());
        Ok(())
    }

    async fn background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        Ok(self.world().background.get(task).cloned().unwrap_or_default())
    }

    async fn end_background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        Ok(self.world().background.remove(task).unwrap_or_default())
    }
}
