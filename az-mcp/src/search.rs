//! Tools that a model searches for, where there are too many to send all of them.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use az_core::tool::{
    BackgroundProcess, EffectClass, Invocation, PreparedCall, Probed, TOOL_CALL, TOOL_SEARCH,
    ToolOutput, ToolScope, ToolSpec, Toolbox, are_many, finds_tools, search_tools,
};
use az_core::{Error, Result, TaskId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::registry::ToolRegistry;
use crate::schema::output_schema;
use crate::tool::{TypedTool, invalid_argument};

/// The most tools that a search returns.
const MAX_RESULTS: usize = 20;

/// A toolbox that adds `tool_search` and `tool_call` as long as another one has more than
/// [`SENT_AT_ONCE`](az_core::tool::SENT_AT_ONCE) tools.
#[derive(Debug)]
pub struct SearchToolbox {
    inner: Arc<dyn Toolbox>,
    added: ToolRegistry,
    /// The last tools of the other toolbox, and those with the added ones.
    last: Mutex<Option<[Arc<[ToolSpec]>; 2]>>,
}

impl SearchToolbox {
    /// Wraps a toolbox.
    ///
    /// # Errors
    ///
    /// Those of [`ToolRegistry::register`]; the two tools cause none.
    pub fn new(inner: Arc<dyn Toolbox>) -> Result<Self> {
        let mut added = ToolRegistry::new();
        added.add(ToolSearchTool)?;
        added.add(ToolCallTool)?;
        Ok(Self { inner, added, last: Mutex::default() })
    }

    /// Returns `true` for the name of an added tool, as long as the two are added.
    fn is_added(&self, tool: &str) -> bool {
        finds_tools(tool) && needs_search(&self.inner.specs())
    }
}

/// Returns `true` for many tools, unless there is one of a name that would be added.
fn needs_search(specs: &[ToolSpec]) -> bool {
    are_many(specs) && !specs.iter().any(|spec| finds_tools(&spec.name))
}

#[async_trait]
impl Toolbox for SearchToolbox {
    fn specs(&self) -> Arc<[ToolSpec]> {
        let inner = self.inner.specs();
        if !needs_search(&inner) {
            return inner;
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some([of, all]) = last.as_ref()
            && Arc::ptr_eq(of, &inner)
        {
            return Arc::clone(all);
        }
        let all: Arc<[_]> = inner.iter().chain(self.added.specs().iter()).cloned().collect();
        *last = Some([inner, Arc::clone(&all)]);
        all
    }

    fn prepare(&self, mut call: Invocation) -> Result<PreparedCall> {
        if !self.is_added(&call.tool) {
            return self.inner.prepare(call);
        }
        if call.tools.is_empty() {
            call.tools = self.inner.specs();
        }
        self.added.prepare(call)
    }

    async fn witness(&self, call: &PreparedCall) -> Result<Option<Value>> {
        match self.is_added(&call.invocation.tool) {
            true => self.added.witness(call).await,
            false => self.inner.witness(call).await,
        }
    }

    async fn invoke(&self, call: PreparedCall) -> Result<ToolOutput> {
        match self.is_added(&call.invocation.tool) {
            true => self.added.invoke(call).await,
            false => self.inner.invoke(call).await,
        }
    }

    async fn probe(&self, call: &PreparedCall, witness: Option<&Value>) -> Result<Probed> {
        match self.is_added(&call.invocation.tool) {
            true => self.added.probe(call, witness).await,
            false => self.inner.probe(call, witness).await,
        }
    }

    async fn abandon(&self, call: &PreparedCall) -> Result<()> {
        match self.is_added(&call.invocation.tool) {
            true => self.added.abandon(call).await,
            false => self.inner.abandon(call).await,
        }
    }

    async fn background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        self.inner.background(task).await
    }

    async fn end_background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        self.inner.end_background(task).await
    }
}

/// Finds tools by what they do.
#[derive(Debug)]
struct ToolSearchTool;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ToolSearchArgs {
    /// What the tool should do, in a few words
    query: String,
    /// Number of tools to return, at most 20
    #[serde(default = "default_limit")]
    limit: usize,
}

const fn default_limit() -> usize {
    5
}

/// A tool that was found.
#[derive(Debug, Serialize, JsonSchema)]
struct FoundTool<'s> {
    /// Its name.
    name: &'s str,
    /// What it does.
    description: &'s str,
    /// The JSON Schema of its arguments.
    input_schema: &'s Value,
}

impl TypedTool for ToolSearchTool {
    type Args = ToolSearchArgs;
    const NAME: &'static str = TOOL_SEARCH;
    const DESCRIPTION: &'static str = "Find tools that are not listed here by what they do. Returns the \
        name, description and arguments of the best matches; call one with tool_call";
    const CATEGORY: &'static str = "tools";
    const RETURNS: &'static str = "array";
    const EFFECT: EffectClass = EffectClass::Read;
    const SCOPE: ToolScope = ToolScope::Workspace;
    const CORE: bool = true;
    const EXAMPLE: &'static str = r#"{"query": "create an issue"}"#;

    fn output_schema(&self) -> Option<Value> {
        Some(output_schema::<Vec<FoundTool<'_>>>())
    }

    fn check(&self, args: &ToolSearchArgs) -> Result<()> {
        match (args.query.trim(), args.limit) {
            ("", _) => Err(invalid_argument(Self::NAME, "query", "must not be empty")),
            (_, 1..=MAX_RESULTS) => Ok(()),
            _ => {
                let reason = format!("must be between 1 and {MAX_RESULTS}");
                Err(invalid_argument(Self::NAME, "limit", &reason))
            }
        }
    }

    async fn call(&self, args: ToolSearchArgs, call: &Invocation) -> Result<ToolOutput> {
        let found: Vec<_> = search_tools(&call.tools, &args.query, args.limit)
            .into_iter()
            .map(|spec| FoundTool {
                name: &spec.name,
                description: &spec.description,
                input_schema: &spec.input_schema,
            })
            .collect();
        if found.is_empty() {
            let text = "no tool matches; search with other words, or for what the tool works on";
            return Ok(ToolOutput::done(text).with_data(Value::Array(Vec::new())));
        }
        let data =
            serde_json::to_value(&found).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(ToolOutput::done(data.to_string()).with_data(data))
    }
}

/// Describes `tool_call`. The engine makes the call that it contains instead.
#[derive(Debug)]
struct ToolCallTool;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only described: the engine reads the arguments")]
struct ToolCallArgs {
    /// Name of the tool, as tool_search returns it
    name: String,
    /// Arguments of the tool
    #[serde(default)]
    arguments: serde_json::Map<String, Value>,
}

impl TypedTool for ToolCallTool {
    type Args = ToolCallArgs;
    const NAME: &'static str = TOOL_CALL;
    const DESCRIPTION: &'static str = "Call a tool that tool_search has found";
    const CATEGORY: &'static str = "tools";
    const RETURNS: &'static str = "string";
    const EFFECT: EffectClass = EffectClass::Unsafe;
    const CORE: bool = true;
    const EXAMPLE: &'static str =
        r#"{"name": "github.create_issue", "arguments": {"title": "A title"}}"#;

    fn check(&self, _args: &ToolCallArgs) -> Result<()> {
        let reason = "is called by a task only; call the tool by its own name";
        Err(Error::invalid(TOOL_CALL, reason))
    }

    async fn call(&self, _args: ToolCallArgs, _call: &Invocation) -> Result<ToolOutput> {
        Err(Error::Internal("the check of tool_call accepts no call".to_owned()))
    }
}
