//! What an agent may do in the world: the port that tools come in through.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::error::{Error, Result};
use crate::id::{CallId, TaskId};

/// What may be done about a call that was begun and has no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectClass {
    /// It changes nothing: run it again. Such calls may also run side by side.
    Read,
    /// Doing it twice is doing it once: run it again, with the same key.
    Idempotent,
    /// The tool can tell whether it happened.
    Probe,
    /// Never run it again; the model is told that the outcome is unknown.
    #[default]
    Unsafe,
}

/// A tool as it is shown to models and people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// Its name, such as `filesystem.read`.
    pub name: String,
    /// What it does and when to use it, for the model.
    pub description: String,
    /// A JSON Schema of its arguments; always of an object.
    pub input_schema: Value,
    /// What sort of tool, for people.
    pub category: String,
    /// What may be done about an interrupted call.
    pub effect: EffectClass,
}

/// A call to be made.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// The task that it is made for.
    pub task: TaskId,
    /// The call in the task.
    pub call: CallId,
    /// `task:seq` of its intent; the same when the call is made again after a crash.
    pub key: String,
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub arguments: Value,
    /// The directory to work in, if the task has one.
    pub workspace: Option<String>,
    /// How long it may take at most, if there is a limit.
    pub timeout: Option<Duration>,
    /// Cancelled when nobody waits for the result any more: stop, and stop what was started.
    pub cancel: CancellationToken,
}

impl Invocation {
    /// Returns a call of `tool` outside any task, for trying a tool by hand and in tests.
    ///
    /// # Errors
    ///
    /// None in practice; the fixed ids are checked like any other.
    pub fn bare(tool: impl Into<String>, arguments: Value) -> Result<Self> {
        Ok(Self {
            task: TaskId::new("bare")?,
            call: CallId::tool(0, 0),
            key: "bare:0".to_owned(),
            tool: tool.into(),
            arguments,
            workspace: None,
            timeout: None,
            cancel: CancellationToken::new(),
        })
    }

    /// Returns the call with a directory to work in.
    #[must_use]
    pub fn in_workspace(mut self, workspace: impl Into<String>) -> Self {
        self.workspace = Some(workspace.into());
        self
    }
}

/// What a tool returned.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ToolOutput {
    /// Whether it did what it was asked to.
    pub ok: bool,
    /// What to tell the model. Never a secret.
    pub text: String,
    /// The same as data, where the tool returns data.
    pub data: Option<Value>,
}

impl ToolOutput {
    /// Returns the output of a tool that did what it was asked to.
    pub fn done(text: impl Into<String>) -> Self {
        Self { ok: true, text: text.into(), data: None }
    }

    /// Returns the output of a tool that failed.
    pub fn failed(text: impl Into<String>) -> Self {
        Self { ok: false, text: text.into(), data: None }
    }

    /// Returns the output with data.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(data);
        self
    }
}

/// What a tool can tell of a call that was interrupted.
#[derive(Debug, Clone, PartialEq)]
pub enum Probed {
    /// It happened; this is what it would have returned.
    Happened(ToolOutput),
    /// It did not happen: it can be made.
    DidNotHappen,
    /// The tool cannot tell.
    Unknown,
}

/// A set of tools.
///
/// # Contract
///
/// 1. Names are unique, start with a letter and consist of `[A-Za-z0-9_.-]`; specs come in the same
///    order every time, and every input schema is of an object.
/// 2. A tool that is not there is `NotFound`; arguments that do not fit its schema are `Invalid`,
///    with advice for the model. Neither is a panic, and nothing was done.
/// 3. A tool that ran and failed is an output that is not `ok`, not an error.
/// 4. A call that is cancelled or takes too long returns soon, as a failed output, and leaves
///    nothing running.
/// 5. [`effect`](Self::effect) of a call is its spec's class or a milder one that holds for its
///    arguments.
/// 6. [`probe`](Self::probe) of a call whose class is not `Probe`, or whose tool is gone or takes
///    its arguments no more, is `Unknown`, and [`abandon`](Self::abandon) of such a call is no error.
#[async_trait]
pub trait Toolbox: fmt::Debug + Send + Sync + 'static {
    /// Lists the tools.
    fn specs(&self) -> Vec<ToolSpec>;

    /// Returns the effect class of one call.
    ///
    /// # Errors
    ///
    /// `NotFound` or `Invalid`, as for the call itself.
    fn effect(&self, call: &Invocation) -> Result<EffectClass>;

    /// Notes how things stand before a call, for [`probe`](Self::probe); changes nothing.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Invalid`, or the tool's own.
    async fn witness(&self, call: &Invocation) -> Result<Option<Value>>;

    /// Makes a call.
    ///
    /// # Errors
    ///
    /// `NotFound`, `Invalid`; anything that the tool met while running is an output instead.
    async fn invoke(&self, call: &Invocation) -> Result<ToolOutput>;

    /// Tells whether an interrupted call happened.
    ///
    /// # Errors
    ///
    /// The tool's own, when it cannot look.
    async fn probe(&self, call: &Invocation, witness: Option<&Value>) -> Result<Probed>;

    /// Ends whatever an interrupted call left running.
    ///
    /// # Errors
    ///
    /// The tool's own, when it cannot be ended.
    async fn abandon(&self, call: &Invocation) -> Result<()>;
}

/// A toolbox without tools.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTools;

#[async_trait]
impl Toolbox for NoTools {
    fn specs(&self) -> Vec<ToolSpec> {
        Vec::new()
    }

    fn effect(&self, call: &Invocation) -> Result<EffectClass> {
        Err(Error::not_found("tool", &call.tool))
    }

    async fn witness(&self, call: &Invocation) -> Result<Option<Value>> {
        Err(Error::not_found("tool", &call.tool))
    }

    async fn invoke(&self, call: &Invocation) -> Result<ToolOutput> {
        Err(Error::not_found("tool", &call.tool))
    }

    async fn probe(&self, _call: &Invocation, _witness: Option<&Value>) -> Result<Probed> {
        Ok(Probed::Unknown)
    }

    async fn abandon(&self, _call: &Invocation) -> Result<()> {
        Ok(())
    }
}
