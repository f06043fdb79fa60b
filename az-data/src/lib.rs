//! Storage of AZ-OS in one SQLite file, with room for tables of users.
//!
//! | To store | use the contract | tables of [`sqlite::SqliteStore`] |
//! |---|---|---|
//! | tasks, with their leases | [`TaskRepository`], [`TaskQueue`] | `task` |
//! | journals | [`Journal`] | `event`, and files for large bodies |
//! | money | [`CostTracker`], [`BudgetKeeper`] | `entry`, `budget`, `bucket`, `hold`, `alert`, `payer` |
//! | states, settings, the log | [`StateManager`], [`ConfigManager`], [`LogStore`] | `snapshot`, `setting`, `log` |
//! | anything else | [`repository::SqlRepository`] | tables of users |
//!
//! A handle is bound to a [`Namespace`](az_core::store::Namespace), `default` unless the options say
//! otherwise. Handles of two namespaces of one file share nothing but the files of large bodies,
//! which are named by their content.
//!
//! An append to the journal changes tasks and money in the same transaction, so one store
//! implements all of [`RunStore`](az_core::journal::RunStore).
//!
//! ```
//! use az_core::task::{Task, TaskFilter, TaskRepository};
//! use az_data::sqlite::{SqliteOptions, SqliteStore};
//! # use az_core::clock::Timestamp;
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> az_core::Result<()> {
//! # let home = tempfile::tempdir().map_err(|e| az_core::Error::Internal(e.to_string()))?;
//! # let path = home.path().join("data.db");
//! # let now = Timestamp::UNIX_EPOCH;
//! let store = SqliteStore::open(&path, SqliteOptions::default())?;
//! let task = store.create(&Task::new("t1".parse()?, "say hello", now)?).await?;
//!
//! let reader = SqliteStore::open_read_only(&path, SqliteOptions::default())?;
//! assert_eq!(reader.list(&TaskFilter::default()).await?, [task]);
//! # Ok(())
//! # }
//! ```
//!
//! # Reading the code
//!
//! `sqlite/store` opens a store; `sqlite/connect` creates and `sqlite/migrate` migrates the file;
//! `sqlite/namespace` binds connections to a namespace; `sqlite/writer` commits in groups;
//! `sqlite/reader` lends connections. There is one file per contract: `task queue journal cost
//! budget state config log sql`. They share `task_row`, `projection`, `ledger`, `hold`, `bucket`
//! and `blob`.
//!
//! [`TaskRepository`]: az_core::task::TaskRepository
//! [`TaskQueue`]: az_core::task::TaskQueue
//! [`Journal`]: az_core::journal::Journal
//! [`CostTracker`]: az_core::cost::CostTracker
//! [`BudgetKeeper`]: az_core::cost::BudgetKeeper
//! [`StateManager`]: az_core::state::StateManager
//! [`ConfigManager`]: az_core::config::ConfigManager
//! [`LogStore`]: az_core::log::LogStore
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod repository;
pub mod sqlite;

#[cfg(feature = "testing")]
pub mod testing;

mod error;
