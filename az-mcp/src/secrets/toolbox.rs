//! A toolbox whose outputs contain no known secret.

use std::sync::Arc;

use async_trait::async_trait;
use az_core::tool::{
    BackgroundProcess, Invocation, PreparedCall, Probed, SeenFile, ToolOutput, ToolSpec, Toolbox,
};
use az_core::{Error, Result, TaskId};
use serde_json::Value;

use super::known::KnownSecrets;

/// A toolbox that masks known secrets in what the tools of another one return and report, before it is
/// recorded or sent to a model, and refuses calls whose arguments contain one.
///
/// The arguments of a call are never altered.
#[derive(Debug)]
pub struct RedactingToolbox {
    inner: Arc<dyn Toolbox>,
    secrets: Arc<KnownSecrets>,
}

impl RedactingToolbox {
    /// Wraps a toolbox.
    pub fn new(inner: Arc<dyn Toolbox>, secrets: Arc<KnownSecrets>) -> Self {
        Self { inner, secrets }
    }

    fn masked(&self, mut output: ToolOutput) -> ToolOutput {
        if output.seen.is_empty() {
            self.secrets.redact_output(&mut output);
            return output;
        }
        let before = output.content.clone();
        self.secrets.redact_output(&mut output);
        if output.content != before {
            // A file that was shown with a secret masked must not be written back like that.
            output.seen = output.seen.into_iter().map(SeenFile::hidden).collect();
        }
        output
    }

    /// Masks the secrets in the reason of an error, which the model sees.
    fn without_secrets(&self, error: Error) -> Error {
        match error {
            Error::Invalid { field, reason } => {
                Error::Invalid { field, reason: self.secrets.redact(&reason).into_owned() }
            }
            other => other,
        }
    }

    fn described(&self, processes: Vec<BackgroundProcess>) -> Vec<BackgroundProcess> {
        let masked = processes.into_iter().map(|process| {
            BackgroundProcess::new(process.pid, self.secrets.redact(&process.command))
        });
        masked.collect()
    }
}

#[async_trait]
impl Toolbox for RedactingToolbox {
    fn specs(&self) -> Arc<[ToolSpec]> {
        self.inner.specs()
    }

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        if let Some(path) = self.secrets.find(&call.arguments) {
            let reason = format!(
                "{path} contains a key or a password of this machine; call the tool without it. A \
                 command can use a variable that the task passes to it by name"
            );
            return Err(Error::invalid("arguments", reason));
        }
        self.inner.prepare(call).map_err(|error| self.without_secrets(error))
    }

    async fn witness(&self, call: &PreparedCall) -> Result<Option<Value>> {
        self.inner.witness(call).await
    }

    async fn invoke(&self, mut call: PreparedCall) -> Result<ToolOutput> {
        let secrets = Arc::clone(&self.secrets);
        let progress = std::mem::take(&mut call.invocation.progress);
        call.invocation.progress = progress.mapped(move |mut progress| {
            let texts = progress.lines.iter_mut().chain([&mut progress.message]);
            texts.for_each(|text| secrets.redact_in(text));
            progress
        });
        let output = self.inner.invoke(call).await;
        output.map(|output| self.masked(output)).map_err(|error| self.without_secrets(error))
    }

    async fn probe(&self, call: &PreparedCall, witness: Option<&Value>) -> Result<Probed> {
        Ok(match self.inner.probe(call, witness).await? {
            Probed::Happened(output) => Probed::Happened(self.masked(output)),
            other => other,
        })
    }

    async fn abandon(&self, call: &PreparedCall) -> Result<()> {
        self.inner.abandon(call).await
    }

    async fn background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        Ok(self.described(self.inner.background(task).await?))
    }

    async fn end_background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        Ok(self.described(self.inner.end_background(task).await?))
    }
}
