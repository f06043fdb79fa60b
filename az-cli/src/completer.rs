//! The models of `aichat.complete` and `task.spawn`: chosen as for a task, and connected when the first prompt is completed.

use std::sync::Arc;

use async_trait::async_trait;
use az_ai::completer::DispatchCompleter;
use az_ai::dispatch::{DispatchClient, DispatchOptions};
use az_core::call::{Completer, Completion, CompletionRequest, ModelNames};
use az_core::clock::SystemClock;
use az_core::cost::Payer;
use az_core::store::Store;
use az_core::{CallId, Error, Result};
use tokio::sync::OnceCell;

use crate::error::CliError;
use crate::models::ModelChooser;

/// Completes prompts with the configured models.
#[derive(Debug)]
pub(crate) struct ChosenModels {
    /// The models, or why there are none.
    models: Result<Arc<ModelChooser>, String>,
    /// The store, once it is open for writing.
    store: Arc<OnceCell<Arc<dyn Store>>>,
    dispatch: DispatchOptions,
    completer: OnceCell<DispatchCompleter>,
}

impl ChosenModels {
    /// Creates a completer that books in the store, once that is open.
    pub(crate) fn new(
        models: Result<Arc<ModelChooser>, CliError>,
        store: Arc<OnceCell<Arc<dyn Store>>>,
        dispatch: DispatchOptions,
    ) -> Self {
        let models = models.map_err(|error| error.to_string());
        Self { models, store, dispatch, completer: OnceCell::new() }
    }

    fn models(&self) -> Result<&ModelChooser> {
        let no_models = |reason: &String| Error::invalid("model", reason.clone());
        self.models.as_ref().map(|models| &**models).map_err(no_models)
    }

    fn connect(&self) -> Result<DispatchCompleter> {
        let store = self.store.get();
        let store = store.ok_or_else(|| Error::Internal("the store is not open".to_owned()))?;
        let models = self.models()?.connected().map_err(to_core)?;
        let client = DispatchClient::new("az", models).with_options(self.dispatch);
        let unique = uuid::Uuid::now_v7().simple().to_string();
        Ok(DispatchCompleter::new(client, Arc::clone(store) as _, Arc::new(SystemClock), unique))
    }
}

#[async_trait]
impl Completer for ChosenModels {
    async fn complete(
        &self,
        payer: &Payer,
        call: &CallId,
        request: &CompletionRequest,
    ) -> Result<Completion> {
        let chosen = self.models()?.choose(request.model.as_deref()).await.map_err(to_core)?;
        if chosen.name == "offline" {
            let reason = "no model is set up, and `offline` cannot complete prompts; `az setup` sets \
                          one up, and `az models list` shows which have a key";
            return Err(Error::invalid("model", reason));
        }
        let request = request.clone().with_model(Some(chosen.name));
        let completer = self.completer.get_or_try_init(async || self.connect()).await?;
        completer.complete(payer, call, &request).await
    }
}

#[async_trait]
impl ModelNames for ChosenModels {
    async fn full_name(&self, name: &str) -> Result<String> {
        let chosen = self.models()?.choose(Some(name)).await.map_err(to_core)?;
        Ok(chosen.name)
    }
}

/// Returns an error as a tool reports it: one of the configuration refuses the call.
pub(crate) fn to_core(error: CliError) -> Error {
    match error {
        CliError::Core(error) => error,
        error => {
            let help = error.remedy().map_or_else(String::new, |help| format!("; {help}"));
            Error::invalid("model", format!("{error}{help}"))
        }
    }
}
