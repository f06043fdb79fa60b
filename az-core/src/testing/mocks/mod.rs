//! Mocks of every contract, for tests that need the n-th call to fail. For a whole store or
//! toolbox, use [`MemoryStore`](crate::memory::MemoryStore) and the [fakes](super), which satisfy
//! their contracts; a mock does not.
//!
//! Where a contract takes an optional reference, its mock takes an owned value.

mod cost;
mod engine;
mod state;
mod task;

pub use cost::{MockBudgetKeeper, MockCostTracker};
pub use engine::{
    MockAgent, MockApprover, MockClock, MockEmbedder, MockEventSink, MockPolicy, MockToolbox,
};
pub use state::{MockCommandLog, MockConfigManager, MockLogStore, MockStateManager};
pub use task::{MockHintQueue, MockJournal, MockTaskQueue, MockTaskRepository};
