//! Settings in SQLite.

use std::collections::BTreeMap;

use async_trait::async_trait;
use az_core::config::{ConfigManager, check_key};
use az_core::error::Error;
use serde_json::Value;

use super::json;
use super::row::{Columns, first, readable, run};
use super::store::SqliteStore;
use crate::error::Result;

/// The columns of a setting, in the order in which [`setting`] reads them.
pub(super) const SETTING: &str = "SELECT key, value FROM setting WHERE namespace = az_namespace()";

#[async_trait]
impl ConfigManager for SqliteStore {
    async fn get(&self, key: &str) -> Result<Option<Value>, Error> {
        check_key(key)?;
        let sql = format!("{SETTING} AND key = ?1");
        let key = key.to_owned();
        let found = self.point(move |conn| first(conn, &sql, [&key], setting)).await?;
        Ok(found.map(|(_, value)| value))
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
        let settings = self.scan(move |conn| readable(conn, SETTING, [], setting)).await?;
        Ok(settings.into_iter().collect())
    }

    async fn delete(&self, key: &str) -> Result<bool, Error> {
        check_key(key)?;
        let key = key.to_owned();
        let sql = "DELETE FROM setting WHERE namespace = az_namespace() AND key = ?1";
        self.write(move |conn| Ok(run(conn, sql, [&key])? == 1)).await
    }
}

/// Reads a setting.
pub(super) fn setting(row: &mut Columns<'_>) -> Result<(String, Value)> {
    let key: String = row.take()?;
    let value = row.parsed(|text| json::read("value", text));
    let value = value.map_err(|error| error.of("setting", &key))?;
    Ok((key, value))
}
