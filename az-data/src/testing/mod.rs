//! Conformance kits of the contracts defined in this crate.
//!
//! | contract | kit |
//! |---|---|
//! | [`DocumentRepository`](crate::repository::DocumentRepository) | [`document_repository()`] |
//! | [`SqlRepository`](crate::repository::SqlRepository) | [`sql_repository()`] |
//!
//! ```
//! # use std::sync::Arc;
//! # use az_core::testing::{Capabilities, Fixture};
//! # use az_data::repository::SqlRepository;
//! # use az_data::sqlite::{SqliteOptions, SqliteStore};
//! struct Home(tempfile::TempDir);
//!
//! #[async_trait::async_trait]
//! impl Fixture<dyn SqlRepository> for Home {
//!     async fn open(&self) -> Arc<dyn SqlRepository> {
//!         let path = self.0.path().join("data.db");
//!         Arc::new(SqliteStore::open(path, SqliteOptions::default()).unwrap())
//!     }
//!
//!     fn capabilities(&self) -> Capabilities {
//!         Capabilities::ALL
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let report = az_data::testing::sql_repository(|| Home(tempfile::tempdir().unwrap())).await;
//! report.assert_passed();
//! # });
//! ```

mod document_repository;
mod sql_repository;

pub use document_repository::document_repository;
pub use sql_repository::sql_repository;
