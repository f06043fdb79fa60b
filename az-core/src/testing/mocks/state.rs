//! Mocks of state, configuration and logs.

use std::collections::BTreeMap;

use async_trait::async_trait;
use mockall::mock;
use serde_json::Value;

use crate::clock::Timestamp;
use crate::config::ConfigManager;
use crate::error::Result;
use crate::id::TaskId;
use crate::log::{
    CommandLog, CommandRun, LogCursor, LogMark, LogPage, LogQuery, LogRecord, LogRetention,
    LogStore, LogTail, RunQuery,
};
use crate::state::{Snapshot, SnapshotInfo, StateManager};

mock! {
    /// A mock of [`StateManager`].
    #[derive(Debug)]
    pub StateManager {
        /// Mocks [`StateManager::save_snapshot`].
        pub fn save_snapshot(
            &self,
            task: &TaskId,
            state: &Value,
            name: Option<String>,
            now: Timestamp,
        ) -> Result<String>;
        /// Mocks [`StateManager::load_snapshot`].
        pub fn load_snapshot(
            &self,
            task: &TaskId,
            name: Option<String>,
        ) -> Result<Option<Snapshot>>;
        /// Mocks [`StateManager::list_snapshots`].
        pub fn list_snapshots(&self, task: &TaskId) -> Result<Vec<SnapshotInfo>>;
        /// Mocks [`StateManager::delete_snapshot`].
        pub fn delete_snapshot(&self, task: &TaskId, id: &str) -> Result<bool>;
    }
}

#[async_trait]
impl StateManager for MockStateManager {
    async fn save_snapshot(
        &self,
        task: &TaskId,
        state: &Value,
        name: Option<&str>,
        now: Timestamp,
    ) -> Result<String> {
        self.save_snapshot(task, state, name.map(str::to_owned), now)
    }

    async fn load_snapshot(&self, task: &TaskId, name: Option<&str>) -> Result<Option<Snapshot>> {
        self.load_snapshot(task, name.map(str::to_owned))
    }

    async fn list_snapshots(&self, task: &TaskId) -> Result<Vec<SnapshotInfo>> {
        self.list_snapshots(task)
    }

    async fn delete_snapshot(&self, task: &TaskId, id: &str) -> Result<bool> {
        self.delete_snapshot(task, id)
    }
}

mock! {
    /// A mock of [`ConfigManager`].
    #[derive(Debug)]
    pub ConfigManager {}

    #[async_trait]
    impl ConfigManager for ConfigManager {
        async fn get(&self, key: &str) -> Result<Option<Value>>;
        async fn set(&self, key: &str, value: &Value) -> Result<()>;
        async fn get_all(&self) -> Result<BTreeMap<String, Value>>;
        async fn delete(&self, key: &str) -> Result<bool>;
    }
}

mock! {
    /// A mock of [`LogStore`].
    #[derive(Debug)]
    pub LogStore {}

    #[async_trait]
    impl LogStore for LogStore {
        async fn append(&self, records: &[LogRecord]) -> Result<()>;
        async fn query(&self, query: &LogQuery) -> Result<Vec<LogRecord>>;
        async fn page(&self, query: &LogQuery, after: Option<LogCursor>) -> Result<LogPage>;
        async fn appended(&self, query: &LogQuery, after: Option<LogMark>) -> Result<LogTail>;
        async fn prune(&self, retention: &LogRetention) -> Result<usize>;
    }
}

mock! {
    /// A mock of [`CommandLog`].
    #[derive(Debug)]
    pub CommandLog {}

    #[async_trait]
    impl CommandLog for CommandLog {
        async fn record_runs(&self, runs: &[CommandRun]) -> Result<()>;
        async fn runs(&self, query: &RunQuery) -> Result<Vec<CommandRun>>;
        async fn collect_runs(&self) -> Result<usize>;
        async fn prune_runs(&self, before: Timestamp, keep: usize) -> Result<usize>;
    }
}
