//! The tools of all servers, for tasks.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use az_core::Task;
use az_core::approval::Approver;
use az_mcp::ToolRegistry;
use az_mcp::client::{ForeignTool, Listing, ServerClient, model_names};
use futures_util::future::join_all;

use super::questions::Person;
use super::{Approvals, ApprovedTools, ConfiguredServer};
use crate::config::{ConfigError, Env};
use crate::error::CliError;
use crate::settings::Settings;

/// How long a server that was never listed may take at the beginning of a run.
const FIRST_LISTING: Duration = Duration::from_secs(10);

/// The servers of the configuration.
#[derive(Debug)]
pub(crate) struct McpServers {
    servers: Vec<ConfiguredServer>,
    approvals: Approvals,
    /// The clients that were created; each starts its server at its first request.
    clients: Mutex<BTreeMap<String, Arc<ServerClient>>>,
    /// Who is asked what servers want to know.
    person: Person,
}

impl McpServers {
    /// Returns the servers that are used.
    pub(crate) fn new(settings: &Settings, env: &Env) -> Self {
        let servers = settings.mcp.servers.iter();
        let servers = servers.map(|(name, section)| ConfiguredServer::new(name, section));
        let approvals = settings.approvals(env);
        let (clients, person) = (Mutex::default(), Person::default());
        Self { servers: servers.collect(), approvals, clients, person }
    }

    /// Sets who is asked what servers want to know, for a task.
    pub(crate) fn set_person(&self, approver: Arc<dyn Approver>, task: Task) {
        self.person.set(approver, task);
    }

    /// Returns all servers, also those that are not used.
    pub(crate) fn all(&self) -> &[ConfiguredServer] {
        &self.servers
    }

    /// Returns a server.
    pub(crate) fn find(&self, name: &str) -> Option<&ConfiguredServer> {
        self.servers.iter().find(|server| server.name == name)
    }

    fn enabled(&self) -> impl Iterator<Item = &ConfiguredServer> {
        self.servers.iter().filter(|server| server.section.enabled)
    }

    /// Returns the tools of a server that were approved; `None` if it was never listed.
    pub(crate) fn approved(&self, server: &ConfiguredServer) -> Option<Listing> {
        let approved = self.approvals.get(&server.name, &server.configuration)?;
        Some(approved.listing)
    }

    /// Whether nothing was ever approved of a server, in any configuration.
    pub(crate) fn is_new(&self, server: &ConfiguredServer) -> bool {
        self.approvals.is_new(&server.name)
    }

    /// Approves the tools of a server.
    ///
    /// # Errors
    ///
    /// The system's.
    pub(crate) fn approve(
        &self,
        server: &ConfiguredServer,
        listing: &Listing,
    ) -> Result<(), ConfigError> {
        let (configuration, listing) = (server.configuration.clone(), listing.clone());
        self.approvals.set(&server.name, &ApprovedTools { configuration, listing })
    }

    /// Removes what was approved of a server.
    pub(crate) fn forget(&self, server: &str) {
        self.approvals.remove(server);
    }

    /// Returns the client of a server, which is created when it is first needed.
    ///
    /// # Errors
    ///
    /// As [`ConfiguredServer::client`].
    pub(crate) fn client(
        &self,
        server: &ConfiguredServer,
        settings: &Settings,
        env: &Env,
    ) -> Result<Arc<ServerClient>, CliError> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = clients.get(&server.name) {
            return Ok(Arc::clone(client));
        }
        let era = self.approved(server).map(|listing| listing.server.era).unwrap_or_default();
        let client = server.client(settings, env, (era, self.person.answerer()))?;
        clients.insert(server.name.clone(), Arc::clone(&client));
        Ok(client)
    }

    /// Adds the approved tools of the servers that are used. A server that cannot be used by its
    /// configuration has none; [`list_new`](Self::list_new) says why.
    pub(crate) fn add_to(&self, registry: &mut ToolRegistry, settings: &Settings, env: &Env) {
        let mut tools = Vec::new();
        for server in self.enabled() {
            let listing = self.approved(server);
            let client = self.client(server, settings, env);
            let (Some(listing), Ok(client)) = (listing, client) else { continue };
            let chosen = listing.tools.into_iter().filter(|tool| is_chosen(server, &tool.name));
            tools.extend(chosen.map(|tool| (server, Arc::clone(&client), tool)));
        }
        let names: Vec<_> =
            tools.iter().map(|(server, _, tool)| (&*server.name, &*tool.name)).collect();
        for (name, (server, client, definition)) in model_names(&names).into_iter().zip(&tools) {
            let client = Arc::<ServerClient>::clone(client);
            let tool = ForeignTool::new(client, &server.name, (name, definition), &server.limits());
            let is_read = server.section.read_only.contains(&definition.name);
            let tool = if is_read { tool.read_only() } else { tool };
            if let Err(error) = registry.register(Arc::new(tool)) {
                // One server does not keep the others, and az itself, from working.
                let (server, error) = (&server.name, error.chain());
                tracing::warn!(%server, error, "a tool of an MCP server is left out");
            }
        }
    }

    /// Lists the servers that are used and were never listed, and approves their tools: who has configured a
    /// server has chosen it. One that was approved with another configuration, or whose approval cannot be read, has no
    /// tools until it is approved again. Returns what went wrong, which does not keep a run from beginning.
    pub(crate) async fn list_new(&self, settings: &Settings, env: &Env) -> Vec<String> {
        let new = self.enabled().filter(|server| self.approved(server).is_none());
        let listed = new.map(|server| async move {
            if !self.is_new(server) {
                let name = &server.name;
                return Some(format!(
                    "the tools of the MCP server {name} are missing: they were approved for another command or address, \
                     or what was approved cannot be read; `az mcp test {name}` shows and approves them"
                ));
            }
            self.list_first(server, settings, env).await.err().map(|reason| {
                let name = &server.name;
                format!("the tools of the MCP server {name} are missing: {reason}")
            })
        });
        join_all(listed).await.into_iter().flatten().collect()
    }

    async fn list_first(
        &self,
        server: &ConfiguredServer,
        settings: &Settings,
        env: &Env,
    ) -> Result<(), String> {
        let client =
            self.client(server, settings, env).map_err(|error: CliError| error.to_string())?;
        let listing = tokio::time::timeout(FIRST_LISTING, client.listing()).await;
        let listing = listing.map_err(|_| {
            let name = &server.name;
            let limit = FIRST_LISTING.as_secs();
            format!("it did not answer within {limit} s; `az mcp test {name}` waits longer")
        })?;
        let listing = listing.map_err(|error| error.to_string())?;
        self.approve(server, &listing).map_err(|error| error.to_string())
    }

    /// Ends the servers that were started, and lets programs end by themselves, for a moment.
    pub(crate) async fn close(&self) {
        let clients =
            std::mem::take(&mut *self.clients.lock().unwrap_or_else(PoisonError::into_inner));
        let clients: Vec<_> = clients.into_values().collect();
        join_all(clients.iter().map(|client| client.close())).await;
    }
}

/// Whether a tool is among those that are used.
pub(crate) fn is_chosen(server: &ConfiguredServer, tool: &str) -> bool {
    let chosen = server.section.tools.as_ref();
    chosen.is_none_or(|chosen| chosen.iter().any(|name| name == tool))
}
