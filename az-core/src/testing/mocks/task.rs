//! Mocks of tasks and journals.

use async_trait::async_trait;
use mockall::mock;

use crate::clock::{BootTime, Timestamp};
use crate::cost::TimeRange;
use crate::error::Result;
use crate::id::{TaskId, WorkerId};
use crate::journal::{Appended, Event, Hint, HintQueue, Journal, NewEvent, ToolCallSummary};
use crate::lease::LeaseAnchors;
use crate::task::{
    CancelOutcome, Claim, Claimed, HeartbeatStatus, Lease, Outcome, Task, TaskFilter, TaskQueue,
    TaskRepository, WaitAnswer, Waiting,
};

mock! {
    /// A mock of [`TaskRepository`].
    #[derive(Debug)]
    pub TaskRepository {}

    #[async_trait]
    impl TaskRepository for TaskRepository {
        async fn create(&self, task: &Task) -> Result<Task>;
        async fn get(&self, id: &TaskId) -> Result<Option<Task>>;
        async fn update(&self, task: &Task, now: Timestamp) -> Result<Task>;
        async fn list(&self, filter: &TaskFilter) -> Result<Vec<Task>>;
        async fn delete(&self, id: &TaskId, now: Timestamp) -> Result<bool>;
    }
}

mock! {
    /// A mock of [`TaskQueue`].
    #[derive(Debug)]
    pub TaskQueue {}

    #[async_trait]
    impl LeaseAnchors for TaskQueue {
        async fn lease_anchor(&self, boot: &BootTime, now: Timestamp) -> Result<Timestamp>;
    }

    #[async_trait]
    impl TaskQueue for TaskQueue {
        async fn enqueue(&self, task: &Task, now: Timestamp) -> Result<Task>;
        async fn spawn(&self, parent: &Lease, task: &Task, now: Timestamp) -> Result<Task>;
        async fn claim(&self, claim: &Claim) -> Result<Option<Claimed>>;
        async fn heartbeat(&self, leases: &[Lease], until: Timestamp) -> Result<Vec<HeartbeatStatus>>;
        async fn finish(&self, lease: &Lease, outcome: &Outcome, now: Timestamp) -> Result<Task>;
        async fn release(
            &self,
            lease: &Lease,
            not_before: Option<Timestamp>,
            now: Timestamp,
        ) -> Result<Task>;
        async fn park(&self, lease: &Lease, waiting: &Waiting, now: Timestamp) -> Result<Task>;
        async fn request_cancel(&self, id: &TaskId, now: Timestamp) -> Result<CancelOutcome>;
        async fn cancel_requests(&self, owner: &WorkerId) -> Result<Vec<TaskId>>;
        async fn lease(&self, id: &TaskId) -> Result<Option<Lease>>;
        async fn leases_of_others(&self, owner: &WorkerId, limit: usize) -> Result<Vec<Lease>>;
    }
}

mock! {
    /// A mock of [`HintQueue`].
    #[derive(Debug)]
    pub HintQueue {}

    #[async_trait]
    impl HintQueue for HintQueue {
        async fn send_hint(&self, task: &TaskId, hint: &Hint, now: Timestamp) -> Result<()>;
        async fn hints(&self, task: &TaskId) -> Result<Vec<Hint>>;
    }
}

mock! {
    /// A mock of [`Journal`].
    #[derive(Debug)]
    pub Journal {}

    #[async_trait]
    impl Journal for Journal {
        async fn append(
            &self,
            lease: &Lease,
            next_seq: u64,
            events: Vec<NewEvent>,
            now: Timestamp,
        ) -> Result<Appended>;
        async fn answer(&self, task: &TaskId, answer: &WaitAnswer, now: Timestamp) -> Result<Task>;
        async fn read(&self, task: &TaskId, from: u64, limit: usize) -> Result<Vec<Event>>;
        async fn tail(&self, task: &TaskId) -> Result<Vec<Event>>;
        async fn tool_calls(&self, span: TimeRange) -> Result<Vec<ToolCallSummary>>;
    }
}
