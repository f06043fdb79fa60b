//! The MCP servers of the configuration.

use std::sync::Arc;

use az_ai::resolver::near;
use az_mcp::client::ServerClient;

use super::Services;
use crate::error::CliError;
use crate::mcp_servers::{ConfiguredServer, McpServers};
use crate::models::did_you_mean;

impl Services {
    /// Returns the servers.
    pub(crate) fn servers(&self) -> &McpServers {
        self.servers.get_or_init(|| McpServers::new(&self.settings, &self.env))
    }

    /// Returns a server by its name.
    ///
    /// # Errors
    ///
    /// `UnknownServer`, with similar names.
    pub(crate) fn server(&self, name: &str) -> Result<&ConfiguredServer, CliError> {
        self.servers().find(name).ok_or_else(|| {
            let known = self.servers().all().iter().map(|server| server.name.as_str());
            let likely = did_you_mean(&near(name, known));
            CliError::UnknownServer { name: name.to_owned(), likely }
        })
    }

    /// Returns the client of a server, which starts it at its first request.
    ///
    /// # Errors
    ///
    /// A settings error for a server that cannot be used as it is configured.
    pub(crate) fn client_of(
        &self,
        server: &ConfiguredServer,
    ) -> Result<Arc<ServerClient>, CliError> {
        self.servers().client(server, &self.settings, &self.env)
    }

    /// Lists the servers that were never listed, so that a run has their tools; says which could not be
    /// listed. It has no effect on the tools once they were asked for.
    pub(crate) async fn list_new_servers(&self) {
        let list = async || {
            for warning in self.servers().list_new(&self.settings, &self.env).await {
                self.printer.say(&warning);
            }
        };
        self.servers_listed.get_or_init(list).await;
    }

    /// Ends the servers that were started.
    pub(crate) async fn close_servers(&self) {
        if let Some(servers) = self.servers.get() {
            servers.close().await;
        }
    }
}
