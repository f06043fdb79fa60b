//! A call of a tool by a client.

use std::sync::atomic::Ordering;

use az_core::content::ContentPart;
use az_core::tool::{Invocation, ToolOutput, ToolSpec, progress_channel};
use az_core::{CallId, CancellationToken, Error};
use rmcp::model::{CallToolRequestParams, CallToolResult, ResultType};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer};
use serde_json::Value;

use super::listing::{has_data, offered};
use super::{McpServer, progress};
use crate::schema::WireResult;

impl McpServer {
    /// Makes a call, and sends its progress meanwhile if the client wants it.
    ///
    /// # Errors
    ///
    /// Invalid parameters for an unknown tool. Everything else is a result that failed.
    pub(super) async fn answer(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResult, ErrorData> {
        let specs = self.toolbox.specs();
        let spec = offered(&specs).find(|spec| spec.name == request.name);
        let spec = spec.ok_or_else(|| unknown_tool(&request.name))?;
        let arguments = Value::Object(request.arguments.unwrap_or_default());
        // A client that is gone drops this future, whose calls have to end then.
        let cancel = context.ct.child_token();
        let _ends_with_the_request = cancel.clone().drop_guard();
        let call = self.invocation(spec, arguments, cancel).map_err(|error| internal(&error))?;
        let output = match context.meta.get_progress_token() {
            None => self.make(call).await,
            Some(token) => {
                let (sender, reports) = progress_channel();
                let sending = progress::send(reports, token, context.peer);
                let making = self.make(call.with_progress(sender));
                tokio::pin!(making, sending);
                // No notification follows the result.
                tokio::select! {
                    biased;
                    output = &mut making => output,
                    () = &mut sending => making.await,
                }
            }
        };
        result(spec, output)
    }

    fn invocation(
        &self,
        spec: &ToolSpec,
        arguments: Value,
        cancel: CancellationToken,
    ) -> az_core::Result<Invocation> {
        let caller = self.options.caller()?;
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let (task, id) = (caller.task, CallId::tool(number, 0));
        let key = format!("{task}:{id}");
        let mut call = Invocation::new(task, id, spec.name.clone(), arguments)
            .with_key(key)
            .paid_by(caller.payer)
            .with_timeout(spec.timeout.or(self.options.timeout));
        (call.workspace, call.cancel) = (caller.workspace, cancel);
        Ok(call)
    }

    /// Waits until the call may run, and makes it.
    async fn make(&self, call: Invocation) -> az_core::Result<ToolOutput> {
        let prepared = self.toolbox.prepare(call)?;
        if let Some(question) = prepared.question {
            let text = format!("asks a person {:?}, who cannot be asked here", question.text);
            return Err(Error::invalid("call", text));
        }
        let cancel = prepared.invocation.cancel.clone();
        let _slot = tokio::select! {
            slot = self.slots.acquire() => slot.map_err(|_| Error::Cancelled)?,
            () = cancel.cancelled() => return Err(Error::Cancelled),
        };
        self.toolbox.invoke(prepared).await
    }
}

/// Returns the result of a call.
fn result(
    spec: &ToolSpec,
    output: az_core::Result<ToolOutput>,
) -> Result<CallToolResult, ErrorData> {
    let mut output = output.unwrap_or_else(|error| ToolOutput::failed(error.chain()));
    if output.ok && output.data.is_none() && has_data(spec) {
        // The text of such a tool is its data.
        output.data = serde_json::from_str(&output.text()).ok();
    }
    if let Some(data) = &output.data
        && output.content.is_empty()
    {
        // Clients of older versions only read the text.
        output.content.push(ContentPart::text(data.to_string()));
    }
    let result = serde_json::to_value(WireResult::from(output));
    let result = result.and_then(serde_json::from_value::<CallToolResult>);
    let mut result = result.map_err(|error| {
        ErrorData::internal_error(format!("the result of {}: {error}", spec.name), None)
    })?;
    // Required since 2026-07-28, and left out for older versions.
    result.result_type = Some(ResultType::COMPLETE);
    Ok(result)
}

fn unknown_tool(name: &str) -> ErrorData {
    ErrorData::invalid_params(format!("unknown tool: {name}"), None)
}

fn internal(error: &Error) -> ErrorData {
    ErrorData::internal_error(error.chain(), None)
}
