//! Fixtures of toolboxes: example calls with their expected outcomes.

use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;

use crate::error::Result;
use crate::testing::kit::{Capabilities, Fixture};
use crate::tool::{Invocation, Toolbox};

/// A fixture of a toolbox, with example calls.
pub trait ToolboxFixture: Fixture<dyn Toolbox> {
    /// Returns example calls with their expected outcomes; at least one of each kind that the tools
    /// have.
    fn examples(&self) -> Vec<Example>;
}

/// An example call with its expected outcome.
#[derive(Debug, Clone)]
pub struct Example {
    /// The call.
    pub call: Invocation,
    /// The expected outcome.
    pub comes_to: ExpectedOutcome,
}

impl Example {
    /// Creates an example.
    pub const fn new(call: Invocation, comes_to: ExpectedOutcome) -> Self {
        Self { call, comes_to }
    }
}

/// A fixture of one toolbox: every scenario gets the same one.
#[derive(Debug, Clone)]
pub struct ToolboxExamples {
    toolbox: Arc<dyn Toolbox>,
    examples: Vec<Example>,
}

impl ToolboxExamples {
    /// Creates a fixture of a toolbox with example calls outside any task: the tool, the arguments and
    /// the expected outcome.
    ///
    /// # Errors
    ///
    /// Those of [`Invocation::bare`].
    pub fn new(
        toolbox: Arc<dyn Toolbox>,
        examples: impl IntoIterator<Item = (&'static str, Value, ExpectedOutcome)>,
    ) -> Result<Self> {
        let example = |(tool, arguments, comes_to): (&str, Value, ExpectedOutcome)| {
            Ok(Example::new(Invocation::bare(tool, arguments)?, comes_to))
        };
        Ok(Self { toolbox, examples: examples.into_iter().map(example).collect::<Result<_>>()? })
    }
}

#[async_trait]
impl Fixture<dyn Toolbox> for ToolboxExamples {
    async fn open(&self) -> Arc<dyn Toolbox> {
        Arc::clone(&self.toolbox)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::ALL
    }
}

impl ToolboxFixture for ToolboxExamples {
    fn examples(&self) -> Vec<Example> {
        self.examples.clone()
    }
}

/// The expected outcome of an example call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedOutcome {
    /// The tool succeeds.
    Done,
    /// The tool runs and fails.
    Failed,
    /// The arguments do not match the tool's schema.
    Invalid,
    /// The tool runs until it is cancelled.
    Endless,
    /// The tool succeeds and leaves something running in the background.
    Background,
    /// The tool replaces content: it succeeds for a person, and fails for a model that has not seen
    /// the content.
    Replaces,
}
