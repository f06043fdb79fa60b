//! Settings in SQLite.

use std::collections::BTreeMap;

use async_trait::async_trait;
use az_core::config::{ConfigManager, check_key};
use az_core::error::Error;
use serde_json::Value;

use super::json;
use super::row::{Columns, all, first, run};
use super::store::SqliteStore;
use crate::error::Result;

#[async_trait]
impl ConfigManager for SqliteStore {
    async fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        check_key(key)?;
        let sql = "SELECT value FROM setting WHERE namespace = az_namespace() AND key = ?1";
        let key = key.to_owned();
        self.point(move |conn| first(conn, sql, [&key], value)).await
    }

    async fn set(&self, key: &str, value: &Value) -> Result<(), Error> {
        check_key(key)?;
        let (key, value) = (key.to_owned(), json::write("value", value)?);
        self.write(move |conn| {
            let sql = "INSERT INTO setting (namespace, key, value) VALUES (az_namespace(), ?1, ?2) \
                ON CONFLICT (namespace, key) DO UPDATE SET value = excluded.value";
            run(conn, sql, [&key, &value])?;
            Ok(())
        })
        .await
    }

    async fn get_all(&self) -> Result<BTreeMap<String, Value>, Error> {
        let sql = "SELECT key, value FROM setting WHERE namespace = az_namespace()";
        let read = |row: &mut Columns<'_>| Ok((row.take()?, value(row)?));
        let settings = self.scan(move |conn| all(conn, sql, [], read)).await?;
        Ok(settings.into_iter().collect())
    }

    async fn delete(&self, key: &str) -> Result<bool, Error> {
        check_key(key)?;
        let key = key.to_owned();
        let sql = "DELETE FROM setting WHERE namespace = az_namespace() AND key = ?1";
        self.write(move |conn| Ok(run(conn, sql, [&key])? == 1)).await
    }
}

fn value(row: &mut Columns<'_>) -> Result<Value> {
    row.parsed(|text| json::read("setting", text))
}
