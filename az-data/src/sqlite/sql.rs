//! Tables of users, in the same file.

use async_trait::async_trait;
use az_core::digest::hex;
use az_core::error::Error;
use az_core::store::Namespace;
use rusqlite::types::{Value as Stored, ValueRef};
use rusqlite::{Connection, Statement};
use serde_json::Value;

use super::guest::as_guest;
use super::store::SqliteStore;
use crate::error::Result;
use crate::repository::{Record, SqlRepository};

/// The longest name of a table or a column.
const LONGEST: usize = 64;

#[async_trait]
impl SqlRepository for SqliteStore {
    async fn execute(&self, sql: &str, params: &Record) -> Result<usize, Error> {
        self.change(sql.to_owned(), params.clone()).await
    }

    async fn fetch_all(&self, sql: &str, params: &Record) -> Result<Vec<Record>, Error> {
        self.fetch(sql, params, usize::MAX).await
    }

    async fn fetch_one(&self, sql: &str, params: &Record) -> Result<Option<Record>, Error> {
        Ok(self.fetch(sql, params, 1).await?.pop())
    }

    async fn insert(&self, table: &str, row: &Record) -> Result<i64, Error> {
        let (columns, params) = columns(row)?;
        let sql = if columns.is_empty() {
            format!("INSERT INTO {} DEFAULT VALUES", name(table)?)
        } else {
            let (names, values): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
            let (names, values) = (names.join(", "), values.join(", "));
            format!("INSERT INTO {} ({names}) VALUES ({values})", name(table)?)
        };
        self.check_namespace()?;
        self.write(move |conn| {
            as_guest(conn, |conn| {
                change(conn, &sql, &params)?;
                Ok(conn.last_insert_rowid())
            })
        })
        .await
    }

    async fn update(
        &self,
        table: &str,
        row: &Record,
        condition: &str,
        params: &Record,
    ) -> Result<usize, Error> {
        let (columns, mut all) = columns(row)?;
        if columns.is_empty() {
            return Err(Error::invalid("row", "must have at least one column"));
        }
        all.extend(params.clone());
        let set = |(name, value): (String, String)| format!("{name} = {value}");
        let set: Vec<_> = columns.into_iter().map(set).collect();
        let (table, condition) = (name(table)?, checked(condition)?);
        let sql = format!("UPDATE {table} SET {} WHERE ({condition})", set.join(", "));
        self.change(sql, all).await
    }

    async fn delete(&self, table: &str, condition: &str, params: &Record) -> Result<usize, Error> {
        let (table, condition) = (name(table)?, checked(condition)?);
        let sql = format!("DELETE FROM {table} WHERE ({condition})");
        self.change(sql, params.clone()).await
    }
}

impl SqliteStore {
    /// Refuses SQL of users on a handle of a namespace: it would reach the rows of all of them.
    fn check_namespace(&self) -> Result<(), Error> {
        let namespace = self.namespace();
        if namespace.is_default() {
            return Ok(());
        }
        let reason = format!(
            "SQL reaches all of the file, not only {namespace}; use a handle of the namespace {}",
            Namespace::DEFAULT
        );
        Err(Error::invalid("namespace", reason))
    }

    async fn change(&self, sql: String, params: Record) -> Result<usize, Error> {
        self.check_namespace()?;
        self.write(move |conn| as_guest(conn, |conn| change(conn, &sql, &params))).await
    }

    async fn fetch(&self, sql: &str, params: &Record, limit: usize) -> Result<Vec<Record>, Error> {
        self.check_namespace()?;
        let (sql, params) = (sql.to_owned(), params.clone());
        self.scan(move |conn| as_guest(conn, |conn| fetch(conn, &sql, &params, limit))).await
    }
}

fn change(conn: &Connection, sql: &str, params: &Record) -> Result<usize> {
    // Not cached: a statement of a user must not be confused with one of the store.
    let mut statement = conn.prepare(sql)?;
    bind(&mut statement, params)?;
    let before = conn.total_changes();
    let changed = statement.raw_execute()?;
    // A statement that changes no rows keeps the count of the statement before it.
    Ok(if conn.total_changes() == before { 0 } else { changed })
}

fn fetch(conn: &Connection, sql: &str, params: &Record, limit: usize) -> Result<Vec<Record>> {
    let mut statement = conn.prepare(sql)?;
    if !statement.readonly() {
        return Err(Error::invalid("sql", "must not change anything; use `execute`").into());
    }
    bind(&mut statement, params)?;
    let names: Vec<_> = statement.column_names().map(ToOwned::to_owned).collect();
    let mut rows = statement.raw_query();
    let mut found = Vec::new();
    while found.len() < limit
        && let Some(row) = rows.next()?
    {
        let mut record = Record::new();
        for (index, name) in names.iter().enumerate() {
            record.insert(name.clone(), loaded(row.get_ref(index)?));
        }
        found.push(record);
    }
    Ok(found)
}

/// Binds each parameter, and checks that there is a value for each and a parameter for each value.
fn bind(statement: &mut Statement<'_>, params: &Record) -> Result<()> {
    let refused = |reason: String| Error::invalid("params", reason);
    let mut bound = 0;
    for index in 1..=statement.parameter_count() {
        let name = statement.parameter_name(index).map(ToOwned::to_owned);
        let name = name.ok_or_else(|| refused("they are named, like :id".to_owned()))?;
        let value = name.get(1..).and_then(|name| params.get(name));
        let value = value.ok_or_else(|| refused(format!("{name} has no value")))?;
        statement.raw_bind_parameter(index, stored(value)?)?;
        bound += 1;
    }
    if bound == params.len() {
        return Ok(());
    }
    let known = |name: &&String| {
        let index = [':', '@', '$'].map(|sign| statement.parameter_index(&format!("{sign}{name}")));
        index.iter().any(|index| matches!(index, Ok(Some(_))))
    };
    let left_over = params.keys().find(|name| !known(name));
    match left_over {
        Some(name) => Err(refused(format!("{name:?} is not in the statement")).into()),
        None => Ok(()),
    }
}

/// Returns the columns of a row with their parameters, and the values. Parameters of users cannot
/// have these names.
fn columns(row: &Record) -> Result<(Vec<(String, String)>, Record)> {
    let mut columns = Vec::new();
    let mut params = Record::new();
    for (index, (column, value)) in row.iter().enumerate() {
        let param = format!("row::{index}");
        columns.push((name(column)?, format!("${param}")));
        params.insert(param, value.clone());
    }
    Ok((columns, params))
}

/// Checks and quotes a name.
fn name(name: &str) -> Result<String, Error> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins = name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit());
    if begins && name.len() <= LONGEST && name.bytes().all(legal) {
        return Ok(format!("\"{name}\""));
    }
    let rule = "ASCII letters, digits and _, not beginning with a digit, at most 64";
    Err(Error::invalid("name", format!("{name:?} is not {rule}")))
}

fn checked(condition: &str) -> Result<&str, Error> {
    if condition.trim().is_empty() {
        return Err(Error::invalid("condition", "must not be empty; use `1 = 1` for all rows"));
    }
    Ok(condition)
}

fn stored(value: &Value) -> Result<Stored> {
    Ok(match value {
        Value::Null => Stored::Null,
        Value::Bool(value) => (*value).into(),
        Value::String(text) => text.clone().into(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.into(),
            (None, Some(float)) if number.is_f64() => float.into(),
            _ => {
                let reason = format!("{number} is larger than a column can hold");
                return Err(Error::invalid("params", reason).into());
            }
        },
        Value::Array(_) | Value::Object(_) => value.to_string().into(),
    })
}

fn loaded(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(whole) => whole.into(),
        ValueRef::Real(float) => float.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(bytes) => hex(bytes).into(),
    }
}
