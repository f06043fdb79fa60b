//! The contract of toolboxes.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use super::background::BackgroundProcess;
use super::invocation::{Invocation, PreparedCall};
use super::output::{Probed, ToolOutput};
use super::spec::ToolSpec;
use crate::error::{Error, Result};
use crate::id::TaskId;

/// A set of tools.
///
/// # Contract
///
/// 1. Names are unique, start with a letter and consist of `[A-Za-z0-9_.-]`; every input schema is
///    of an object.
/// 2. [`specs`](Self::specs) returns the tools in a stable order, and the same shared slice until
///    the set of tools changes. It may change at any time, also during a run.
/// 3. [`prepare`](Self::prepare) checks the arguments, once per call. A tool that does not exist is
///    `NotFound`; arguments that do not match its schema are `Invalid`, with advice for the model.
///    Neither has any effect.
/// 4. The effect class of a prepared call is that of its spec, or a milder one that applies to its
///    arguments.
/// 5. A tool that ran and failed returns an output that is not `ok`, not an error.
/// 6. A call that is cancelled or exceeds its time limit returns soon and leaves nothing running.
/// 7. The output of a call that was cut short (cancelled, timed out, killed) is
///    [`unknown`](ToolOutput::unknown), unless the tool is certain that nothing was changed. It
///    contains what the call printed until then.
/// 8. [`probe`](Self::probe) of a call whose class is not `Probe` returns `Unknown`, and
///    [`abandon`](Self::abandon) of such a call is not an error.
/// 9. What a call that ended by itself leaves running is listed by
///    [`background`](Self::background) and lives until [`end_background`](Self::end_background) of
///    its task ends all of it, and nothing else; also if the process that made the call has
///    crashed. Only calls of class `Unsafe` leave something running.
/// 10. The last step before an effect is [`LeaseFence::check`](crate::task::LeaseFence::check) of the
///     call's lease. If the lease may have expired, a call that does more than read changes nothing and
///     is refused with `LeaseLost`: another worker may have the task. No result is recorded then. The
///     run makes the call again under a renewed lease, three times at most and not after a stop, and
///     otherwise leaves it to the next run. The next run makes a call of class `Idempotent` again,
///     probes one of class `Probe`, and treats one of class `Unsafe` as unknown, because the journal
///     does not show that the tool refused it. What remains possible is a process that is stopped
///     between this check and its effect for longer than a tenth of the lease, and a request that a
///     network delivers late. Where an effect must not happen twice even then, the system that it
///     happens in compares the call's `key`.
/// 11. A call that has [`seen`](Invocation::seen) and would replace content that these views do not
///     contain changes nothing, and returns an output that is not `ok` and says what to do. One that
///     has not is made.
#[async_trait]
pub trait Toolbox: fmt::Debug + Send + Sync + 'static {
    /// Lists the tools.
    fn specs(&self) -> Arc<[ToolSpec]>;

    /// Checks the arguments of a call and determines its effect class.
    ///
    /// # Errors
    ///
    /// `NotFound` or `Invalid`.
    fn prepare(&self, call: Invocation) -> Result<PreparedCall>;

    /// Records the state before a call, for a later [`probe`](Self::probe); changes nothing.
    ///
    /// # Errors
    ///
    /// The tool's own.
    async fn witness(&self, call: &PreparedCall) -> Result<Option<Value>>;

    /// Makes a call.
    ///
    /// # Errors
    ///
    /// `NotFound` if the tool has been removed since, and `Invalid` for problems that only appear
    /// when the call is made. All other failures are outputs.
    async fn invoke(&self, call: PreparedCall) -> Result<ToolOutput>;

    /// Finds out whether an interrupted call took effect.
    ///
    /// # Errors
    ///
    /// The tool's own, if the probe fails.
    async fn probe(&self, call: &PreparedCall, witness: Option<&Value>) -> Result<Probed>;

    /// Stops and removes everything that an interrupted call left behind.
    ///
    /// # Errors
    ///
    /// The tool's own, if that fails.
    async fn abandon(&self, call: &PreparedCall) -> Result<()>;

    /// Lists the processes that the calls of a task left running.
    ///
    /// # Errors
    ///
    /// The tools' own.
    async fn background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>>;

    /// Ends the processes that the calls of a task left running; returns those that were. The
    /// engine calls it when a run ends, and when a run continues an interrupted one.
    ///
    /// # Errors
    ///
    /// The tools' own, if processes are left.
    async fn end_background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>>;

    /// Prepares and makes a call outside the engine: nothing is recorded, and no policy applies.
    ///
    /// # Errors
    ///
    /// Those of [`prepare`](Self::prepare) and [`invoke`](Self::invoke).
    async fn call(&self, call: Invocation) -> Result<ToolOutput> {
        self.invoke(self.prepare(call)?).await
    }
}

/// A toolbox without tools.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTools;

#[async_trait]
impl Toolbox for NoTools {
    fn specs(&self) -> Arc<[ToolSpec]> {
        Arc::default()
    }

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        Err(Error::not_found("tool", &call.tool))
    }

    async fn witness(&self, call: &PreparedCall) -> Result<Option<Value>> {
        Err(Error::not_found("tool", &call.invocation.tool))
    }

    async fn invoke(&self, call: PreparedCall) -> Result<ToolOutput> {
        Err(Error::not_found("tool", &call.invocation.tool))
    }

    async fn probe(&self, _call: &PreparedCall, _witness: Option<&Value>) -> Result<Probed> {
        Ok(Probed::Unknown)
    }

    async fn abandon(&self, _call: &PreparedCall) -> Result<()> {
        Ok(())
    }

    async fn background(&self, _task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        Ok(Vec::new())
    }

    async fn end_background(&self, _task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        Ok(Vec::new())
    }
}
