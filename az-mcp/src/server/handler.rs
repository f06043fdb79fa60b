//! What the server answers to requests.

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, Implementation, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};

use super::{McpServer, listing};

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        let mut info = ServerConfig::new(ServerCapabilities::builder().enable_tools().build());
        info.server_info =
            Implementation::new(self.options.name.clone(), self.options.version.clone());
        info.instructions.clone_from(&self.options.instructions);
        info
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let cursor = request.and_then(|request| request.cursor);
        listing::page(&self.toolbox.specs(), cursor.as_deref(), self.options.page_size)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        self.answer(request, context).await.map(CallToolResponse::Complete)
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        let specs = self.toolbox.specs();
        let spec = listing::offered(&specs).find(|spec| spec.name == name)?;
        listing::tool(spec).ok()
    }
}
