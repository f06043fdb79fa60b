//! Stores that violate exactly one clause.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use az_core::clock::BootTime;
use az_core::config::ConfigManager;
use az_core::cost::{
    Alert, Budget, BudgetKeeper, BudgetStatus, Calendar, CostEntry, CostSum, CostTracker, Grouping,
    Hold, Payer, Period, Reconciliation, Renewal, Scope, Settlement, TimeRange,
};
use az_core::journal::{Appended, Event, Hint, HintQueue, Journal, NewEvent, ToolCallSummary};
use az_core::lease::LeaseAnchors;
use az_core::log::{
    CommandLog, CommandRun, LogCursor, LogMark, LogPage, LogQuery, LogRecord, LogRetention,
    LogStore, LogTail, RunQuery,
};
use az_core::memory::MemoryStore;
use az_core::state::{Snapshot, SnapshotInfo, StateManager};
use az_core::store::{Leftover, StoreAdmin, StoreMigration, StoreStatus};
use az_core::task::{
    CancelOutcome, Claim, Claimed, HeartbeatStatus, Lease, Outcome, TaskFilter, TaskQueue,
    TaskRepository, WaitAnswer, Waiting,
};
use az_core::testing::{Capabilities, Fixture};
use az_core::{CallId, Result, Task, TaskId, Timestamp, Usd, WorkerId};
use serde_json::Value;

/// A store whose methods a saboteur may replace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bent<S> {
    store: MemoryStore,
    saboteur: S,
}

impl<S: Default> Bent<S> {
    /// Creates a handle to a store whose other handles are not changed.
    pub(crate) fn of(store: MemoryStore) -> Self {
        Self { store, saboteur: S::default() }
    }
}

impl<S> Bent<S> {
    /// Creates a handle whose methods `saboteur` replaces.
    pub(crate) const fn by(store: MemoryStore, saboteur: S) -> Self {
        Self { store, saboteur }
    }
}

/// Declares the methods that a saboteur may override; by default they call the store.
macro_rules! bendable {
    ($(
        $bend:ident {
            $($contract:ident {
                $($method:ident($($arg:ident: $type:ty),*) -> $out:ty;)+
                // Methods that are not asynchronous.
                $(@$plain:ident() -> $plain_out:ty;)*
            })+
        }
    )+) => {
        $(
            #[async_trait]
            pub(crate) trait $bend: Clone + Default + fmt::Debug + Send + Sync + 'static {
                $($(
                    async fn $method(&self, store: &MemoryStore, $($arg: $type),*) -> Result<$out> {
                        $contract::$method(store, $($arg),*).await
                    }
                )+)+

                $($(
                    fn $plain(&self, store: &MemoryStore) -> $plain_out {
                        $contract::$plain(store)
                    }
                )*)+
            }

            $(
                #[async_trait]
                impl<S: $bend> $contract for Bent<S> {
                    $(
                        async fn $method(&self, $($arg: $type),*) -> Result<$out> {
                            self.saboteur.$method(&self.store, $($arg),*).await
                        }
                    )+

                    $(
                        fn $plain(&self) -> $plain_out {
                            self.saboteur.$plain(&self.store)
                        }
                    )*
                }
            )+
        )+
    };
}

bendable! {
    BendRuns {
        LeaseAnchors {
            lease_anchor(boot: &BootTime, now: Timestamp) -> Timestamp;
        }
        TaskRepository {
            create(task: &Task) -> Task;
            get(id: &TaskId) -> Option<Task>;
            update(task: &Task, now: Timestamp) -> Task;
            list(filter: &TaskFilter) -> Vec<Task>;
            delete(id: &TaskId, now: Timestamp) -> bool;
        }
        TaskQueue {
            enqueue(task: &Task, now: Timestamp) -> Task;
            spawn(parent: &Lease, task: &Task, now: Timestamp) -> Task;
            claim(claim: &Claim) -> Option<Claimed>;
            heartbeat(leases: &[Lease], until: Timestamp) -> Vec<HeartbeatStatus>;
            finish(lease: &Lease, outcome: &Outcome, now: Timestamp) -> Task;
            release(lease: &Lease, not_before: Option<Timestamp>, now: Timestamp) -> Task;
            park(lease: &Lease, waiting: &Waiting, now: Timestamp) -> Task;
            request_cancel(id: &TaskId, now: Timestamp) -> CancelOutcome;
            cancel_requests(owner: &WorkerId) -> Vec<TaskId>;
            lease(id: &TaskId) -> Option<Lease>;
            leases_of_others(owner: &WorkerId, limit: usize) -> Vec<Lease>;
        }
        Journal {
            append(lease: &Lease, next_seq: u64, events: Vec<NewEvent>, now: Timestamp) -> Appended;
            answer(task: &TaskId, answer: &WaitAnswer, now: Timestamp) -> Task;
            read(task: &TaskId, from: u64, limit: usize) -> Vec<Event>;
            tail(task: &TaskId) -> Vec<Event>;
            tool_calls(span: TimeRange) -> Vec<ToolCallSummary>;
        }
        HintQueue {
            send_hint(task: &TaskId, hint: &Hint, now: Timestamp) -> ();
            hints(task: &TaskId) -> Vec<Hint>;
        }
        CostTracker {
            book(entry: &CostEntry) -> ();
            total_in(span: TimeRange) -> Usd;
            cost_by_payer(payer: &Payer) -> Usd;
            entries(span: TimeRange, payer: Option<&Payer>) -> Vec<CostEntry>;
            unpriced_payers(payers: &[Payer]) -> Vec<Payer>;
            uncertain(span: TimeRange, payer: Option<&Payer>) -> Vec<CostEntry>;
            reconcile(decided: &Reconciliation) -> Option<CostEntry>;
            sums(span: TimeRange, by: &Grouping) -> Vec<CostSum>;
            calendar() -> Calendar;
        }
        BudgetKeeper {
            set_budget(budget: &Budget, now: Timestamp) -> ();
            clear_budget(scope: &Scope, period: Period) -> bool;
            budgets(now: Timestamp) -> Vec<BudgetStatus>;
            hold(hold: &Hold) -> Vec<Alert>;
            set_parent(payer: &Payer, parent: Option<&Payer>) -> ();
            ancestors(payer: &Payer) -> Vec<Payer>;
            renew(calls: &[(Payer, CallId)], until: Timestamp) -> Vec<Renewal>;
            settle(payer: &Payer, call: &CallId, settlement: &Settlement) -> Vec<Alert>;
            sweep(now: Timestamp) -> usize;
            open_holds() -> Vec<Hold>;
        }
        StateManager {
            save_snapshot(
                task: &TaskId,
                state: &Value,
                name: Option<&str>,
                now: Timestamp
            ) -> String;
            load_snapshot(task: &TaskId, name: Option<&str>) -> Option<Snapshot>;
            list_snapshots(task: &TaskId) -> Vec<SnapshotInfo>;
            delete_snapshot(task: &TaskId, id: &str) -> bool;
        }
        StoreAdmin {
            status() -> StoreStatus;
            check() -> Vec<String>;
            leftovers() -> Vec<Leftover>;
            clean() -> Vec<Leftover>;
            @migration() -> Option<StoreMigration>;
        }
    }
    BendSettings {
        ConfigManager {
            get(key: &str) -> Option<Value>;
            set(key: &str, value: &Value) -> ();
            get_all() -> BTreeMap<String, Value>;
            delete(key: &str) -> bool;
        }
    }
    BendLog {
        LogStore {
            append(records: &[LogRecord]) -> ();
            query(query: &LogQuery) -> Vec<LogRecord>;
            page(query: &LogQuery, after: Option<LogCursor>) -> LogPage;
            appended(query: &LogQuery, after: Option<LogMark>) -> LogTail;
            prune(retention: &LogRetention) -> usize;
        }
    }
    BendCommands {
        CommandLog {
            record_runs(runs: &[CommandRun]) -> ();
            runs(query: &RunQuery) -> Vec<CommandRun>;
            collect_runs() -> usize;
            prune_runs(before: Timestamp, keep: usize) -> usize;
        }
    }
}

/// A fixture that is empty each time it is opened, whatever capabilities it claims.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Forgetful(pub(crate) Capabilities);

macro_rules! forgetful {
    ($($contract:path)+) => {
        $(
            #[async_trait]
            impl Fixture<dyn $contract> for Forgetful {
                async fn open(&self) -> Arc<dyn $contract> {
                    Arc::new(MemoryStore::new())
                }

                fn capabilities(&self) -> Capabilities {
                    self.0
                }
            }
        )+
    };
}

forgetful!(
    TaskRepository TaskQueue az_core::journal::RunStore StateManager ConfigManager LogStore
    CommandLog
);

/// Defines a test for each saboteur: exactly the scenarios of the clause that it breaks fail.
///
/// `remembering TYPE` gives a saboteur a field of that type.
macro_rules! saboteurs {
    (
        of $kit:ident bending $bend:ident;
        $(
            $(#[$doc:meta])*
            $name:ident $(remembering $memory:ty)? => [$($scenario:ident),+] {
                $($method:item)+
            }
        )+
    ) => {
        /// The scenarios that the saboteurs of this module break.
        pub(crate) const BROKEN: &[&str] = &[$($(stringify!($scenario)),+),+];

        $(
            $(#[$doc])*
            #[tokio::test]
            async fn $name() {
                #[derive(Debug, Clone, Default)]
                struct Saboteur($($memory)?);

                #[async_trait]
                impl crate::support::$bend for Saboteur {
                    $($method)+
                }

                let make = az_core::testing::Shared::<crate::support::Bent<Saboteur>>::new;
                let report = az_core::testing::$kit(make).await;
                assert_eq!(report.failed(), [$(stringify!($scenario)),+], "\n{report}");
            }
        )+
    };
}

/// Defines tests that exactly the scenarios that need a capability fail when it is falsely claimed.
macro_rules! pretenders {
    ($(
        $(#[$doc:meta])*
        $name:ident of $kit:ident claiming $capabilities:expr => [$($scenario:ident),+];
    )+) => {
        /// The scenarios that these fixtures break.
        const BROKEN: &[&str] = &[$($(stringify!($scenario)),+),+];

        $(
            $(#[$doc])*
            #[tokio::test]
            async fn $name() {
                let make = || crate::support::Forgetful($capabilities);
                let report = az_core::testing::$kit(make).await;
                assert_eq!(report.failed(), [$(stringify!($scenario)),+], "\n{report}");
            }
        )+
    };
}

pub(crate) use {pretenders, saboteurs};
