//! The tools that agents and people call.

use std::sync::Arc;

use az_ai::resolver::near;
use az_core::{TaskId, Toolbox};
use az_mcp::ToolRegistry;
use az_mcp::builtin::aichat::AichatCompleteTool;
use az_mcp::builtin::builtin_tools;
use az_mcp::builtin::output::OutputFiles;
use az_mcp::builtin::semantic::SemanticSearchTool;
use az_mcp::builtin::task::{SpawnTool, WaitTool};
use az_mcp::builtin::web::WebFetchTool;
use az_mcp::search::SearchToolbox;
use az_mcp::secrets::RedactingToolbox;

use super::Services;
use crate::completer::ChosenModels;
use crate::documents::NoDocuments;
use crate::error::CliError;
use crate::models::did_you_mean;
use crate::web_client::CheckedClient;

impl Services {
    /// Returns the tools.
    ///
    /// # Errors
    ///
    /// A settings error for secrets that cannot be searched for; an internal error for tools that cannot be
    /// registered together.
    pub fn toolbox(&self) -> Result<Arc<ToolRegistry>, CliError> {
        if let Some(toolbox) = self.toolbox.get() {
            return Ok(Arc::clone(toolbox));
        }
        let options = self.settings.shell_options(&self.env)?.with_secrets(self.secrets()?);
        let mut toolbox = builtin_tools(options)?;
        let models = ChosenModels::new(self.models(), self.open(), self.dispatch_options());
        let models = Arc::new(models);
        if self.settings.task.max_child_levels != Some(0) {
            toolbox.add(SpawnTool::new(Arc::<ChosenModels>::clone(&models)))?;
            toolbox.add(WaitTool)?;
        }
        toolbox.add(AichatCompleteTool::new(models))?;
        toolbox.add(SemanticSearchTool::new(Arc::new(NoDocuments)))?;
        let hosts = &self.settings.tools.web.hosts;
        if !hosts.is_empty() {
            let client = Arc::new(CheckedClient::of(self.http_options()?.network));
            toolbox.add(WebFetchTool::new(hosts.clone(), client))?;
        }
        self.servers().add_to(&mut toolbox, &self.settings, &self.env);
        let toolbox = Arc::new(toolbox);
        Ok(Arc::clone(self.toolbox.get_or_init(|| toolbox)))
    }

    /// Returns the tools that agents get. What they return has no known secret.
    ///
    /// # Errors
    ///
    /// As [`toolbox`](Self::toolbox).
    pub fn tools(&self) -> Result<Arc<dyn Toolbox>, CliError> {
        let toolbox = self.wiring.toolbox(self.toolbox()?);
        let toolbox = Arc::new(SearchToolbox::new(toolbox)?);
        Ok(Arc::new(RedactingToolbox::new(toolbox, Arc::new(self.secrets()?))))
    }

    /// Deletes the files of what background processes of a task have printed. Files that cannot be
    /// deleted are not worth an error: the task is gone.
    pub fn delete_output(&self, task: &TaskId) {
        if let Some(directory) = self.settings.output_dir(&self.env) {
            OutputFiles::new(Some(directory)).delete(task).ok();
        }
    }

    /// Checks names of tools.
    ///
    /// # Errors
    ///
    /// A usage error with the known tools for an unknown one.
    pub fn check_tools<'a>(
        &self,
        names: impl IntoIterator<Item = &'a String>,
    ) -> Result<(), CliError> {
        let known = self.tool_names()?;
        match names.into_iter().find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(name) => {
                let likely = did_you_mean(&near(name, known.iter().map(String::as_str)));
                let known = known.join(", ");
                let text = format!("unknown tool {name:?}; known tools: {known}{likely}");
                Err(CliError::Usage(text))
            }
        }
    }
}
