//! Tools that do as they are told beforehand.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::tool::{EffectClass, Invocation, Probed, ToolOutput, ToolSpec, Toolbox};

/// A tool that does as it is told beforehand.
#[derive(Debug, Clone)]
pub struct FakeTool {
    name: String,
    effect: EffectClass,
    required: Vec<String>,
    outputs: Vec<ToolOutput>,
    endless: bool,
}

impl FakeTool {
    /// Returns a tool that reads: it changes nothing, and answers with its arguments.
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            effect: EffectClass::Read,
            required: Vec::new(),
            outputs: Vec::new(),
            endless: false,
        }
    }

    /// Returns the tool with an effect.
    #[must_use]
    pub const fn with_effect(mut self, effect: EffectClass) -> Self {
        self.effect = effect;
        self
    }

    /// Returns the tool with an argument that no call may lack.
    #[must_use]
    pub fn requiring(mut self, argument: impl Into<String>) -> Self {
        self.required.push(argument.into());
        self
    }

    /// Returns the tool with one more output: the first call gets the first, and when all are
    /// given, every further call gets the last.
    #[must_use]
    pub fn answering(mut self, output: ToolOutput) -> Self {
        self.outputs.push(output);
        self
    }

    /// Returns the tool as one that goes on until its call is cancelled.
    #[must_use]
    pub const fn without_end(mut self) -> Self {
        self.endless = true;
        self
    }

    fn spec(&self) -> ToolSpec {
        let properties: BTreeMap<_, _> = self.required.iter().map(|a| (a, json!({}))).collect();
        ToolSpec {
            name: self.name.clone(),
            description: format!("Pretends to {}.", self.name),
            input_schema: json!({
                "type": "object",
                "properties": properties,
                "required": self.required,
            }),
            category: "fake".to_owned(),
            effect: self.effect,
        }
    }

    fn check(&self, arguments: &Value) -> Result<()> {
        let Some(given) = arguments.as_object() else {
            return Err(Error::invalid("arguments", "they are not an object"));
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

/// Tools that do as they are told beforehand, in a world that remembers what was done to it.
///
/// A clone acts in the same world, as the tools of a restarted process would.
#[derive(Debug, Clone, Default)]
pub struct FakeToolbox {
    tools: Vec<FakeTool>,
    world: Arc<Mutex<World>>,
}

#[derive(Debug, Default)]
struct World {
    invoked: Vec<Invocation>,
    abandoned: Vec<Invocation>,
    /// What happened under which key, as often as it did.
    happened: BTreeMap<String, Vec<ToolOutput>>,
}

impl FakeToolbox {
    /// Returns a toolbox without tools.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the toolbox with one more tool.
    #[must_use]
    pub fn with(mut self, tool: FakeTool) -> Self {
        self.tools.push(tool);
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

    /// Returns how often the world was changed under each key.
    ///
    /// Reading changes nothing; an idempotent tool changes it once for a key, however often it is
    /// called; the others change it every time.
    pub fn effects(&self) -> BTreeMap<String, usize> {
        let world = self.world();
        let counts = world.happened.iter();
        counts.map(|(key, times)| (key.clone(), times.len())).collect()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the tool of a call that fits its schema.
    fn tool(&self, call: &Invocation) -> Result<&FakeTool> {
        let tool = self.tools.iter().find(|tool| tool.name == call.tool);
        let tool = tool.ok_or_else(|| Error::not_found("tool", &call.tool))?;
        tool.check(&call.arguments)?;
        Ok(tool)
    }
}

impl World {
    fn invoke(&mut self, tool: &FakeTool, call: &Invocation) -> ToolOutput {
        let same = |earlier: &&Invocation| earlier.tool == call.tool;
        let output = tool.output(self.invoked.iter().filter(same).count(), &call.arguments);
        self.invoked.push(call.clone());
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
    fn specs(&self) -> Vec<ToolSpec> {
        self.tools.iter().map(FakeTool::spec).collect()
    }

    fn effect(&self, call: &Invocation) -> Result<EffectClass> {
        Ok(self.tool(call)?.effect)
    }

    async fn witness(&self, call: &Invocation) -> Result<Option<Value>> {
        let probe = self.tool(call)?.effect == EffectClass::Probe;
        Ok(probe.then(|| json!({ "key": call.key })))
    }

    async fn invoke(&self, call: &Invocation) -> Result<ToolOutput> {
        let tool = self.tool(call)?;
        let output = self.world().invoke(tool, call);
        if tool.endless {
            call.cancel.cancelled().await;
            return Ok(ToolOutput::failed("cancelled"));
        }
        Ok(output)
    }

    async fn probe(&self, call: &Invocation, _witness: Option<&Value>) -> Result<Probed> {
        if self.tool(call)?.effect != EffectClass::Probe {
            return Ok(Probed::Unknown);
        }
        let world = self.world();
        let output = world.happened.get(&call.key).and_then(|times| times.last());
        Ok(output.map_or(Probed::DidNotHappen, |output| Probed::Happened(output.clone())))
    }

    async fn abandon(&self, call: &Invocation) -> Result<()> {
        self.world().abandoned.push(call.clone());
        Ok(())
    }
}
