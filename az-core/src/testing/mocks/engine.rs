//! Mocks of the contracts that an engine uses.

use std::sync::Arc;

use async_trait::async_trait;
use mockall::mock;
use serde_json::Value;

use crate::agent::{Agent, Answer};
use crate::approval::{Approval, Approver, Reply};
use crate::clock::{Clock, Timestamp};
use crate::cost::CostEstimate;
use crate::embed::{Embedder, Embeddings};
use crate::engine::{EventSink, Run, RunEvent};
use crate::error::Result;
use crate::id::TaskId;
use crate::policy::{ApprovalTerms, Policy, PolicyDecision};
use crate::task::Task;
use crate::tool::{
    BackgroundProcess, Invocation, PreparedCall, Probed, Question, ToolOutput, ToolSpec, Toolbox,
};

mock! {
    /// A mock of [`Toolbox`].
    #[derive(Debug)]
    pub Toolbox {
        /// Mocks [`Toolbox::specs`].
        pub fn specs(&self) -> Arc<[ToolSpec]>;
        /// Mocks [`Toolbox::prepare`].
        pub fn prepare(&self, call: Invocation) -> Result<PreparedCall>;
        /// Mocks [`Toolbox::witness`].
        pub fn witness(&self, call: &PreparedCall) -> Result<Option<Value>>;
        /// Mocks [`Toolbox::invoke`].
        pub fn invoke(&self, call: PreparedCall) -> Result<ToolOutput>;
        /// Mocks [`Toolbox::probe`].
        pub fn probe(&self, call: &PreparedCall, witness: Option<Value>) -> Result<Probed>;
        /// Mocks [`Toolbox::abandon`].
        pub fn abandon(&self, call: &PreparedCall) -> Result<()>;
        /// Mocks [`Toolbox::background`].
        pub fn background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>>;
        /// Mocks [`Toolbox::end_background`].
        pub fn end_background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>>;
    }
}

#[async_trait]
impl Toolbox for MockToolbox {
    fn specs(&self) -> Arc<[ToolSpec]> {
        self.specs()
    }

    fn prepare(&self, call: Invocation) -> Result<PreparedCall> {
        self.prepare(call)
    }

    async fn witness(&self, call: &PreparedCall) -> Result<Option<Value>> {
        self.witness(call)
    }

    async fn invoke(&self, call: PreparedCall) -> Result<ToolOutput> {
        self.invoke(call)
    }

    async fn probe(&self, call: &PreparedCall, witness: Option<&Value>) -> Result<Probed> {
        self.probe(call, witness.cloned())
    }

    async fn abandon(&self, call: &PreparedCall) -> Result<()> {
        self.abandon(call)
    }

    async fn background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        self.background(task)
    }

    async fn end_background(&self, task: &TaskId) -> Result<Vec<BackgroundProcess>> {
        self.end_background(task)
    }
}

mock! {
    /// A mock of [`Agent`].
    #[derive(Debug)]
    pub Agent {}

    #[async_trait]
    impl Agent for Agent {
        async fn work(&self, run: &mut Run) -> Result<Answer>;
    }
}

mock! {
    /// A mock of [`Approver`].
    #[derive(Debug)]
    pub Approver {}

    #[async_trait]
    impl Approver for Approver {
        async fn ask(
            &self,
            task: &Task,
            call: &PreparedCall,
            terms: &ApprovalTerms,
        ) -> Result<Approval>;
        async fn answer(
            &self,
            task: &Task,
            call: &PreparedCall,
            question: &Question,
        ) -> Result<Reply>;
        fn is_attended(&self) -> bool;
    }
}

mock! {
    /// A mock of [`Policy`].
    #[derive(Debug)]
    pub Policy {}

    impl Policy for Policy {
        fn evaluate(&self, task: &Task, tool: &ToolSpec, call: &PreparedCall) -> PolicyDecision;
    }
}

mock! {
    /// A mock of [`Embedder`].
    #[derive(Debug)]
    pub Embedder {}

    #[async_trait]
    impl Embedder for Embedder {
        fn model(&self) -> &str;
        fn dimensions(&self) -> usize;
        fn estimate_cost(&self, texts: &[String]) -> CostEstimate;
        async fn embed(&self, texts: &[String]) -> Result<Embeddings>;
    }
}

mock! {
    /// A mock of [`Clock`].
    #[derive(Debug)]
    pub Clock {}

    impl Clock for Clock {
        fn now(&self) -> Timestamp;
    }
}

mock! {
    /// A mock of [`EventSink`].
    #[derive(Debug)]
    pub EventSink {}

    impl EventSink for EventSink {
        fn emit(&self, event: &RunEvent);
    }
}
