//! Permissions of statements of users.

use az_core::error::Error;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, ErrorCode, ffi};

use super::migrate::is_own;
use crate::error::{Result, SqliteError, code};

/// Runs a function whose statements come from a user.
pub(super) fn as_guest<T>(
    conn: &mut Connection,
    work: impl FnOnce(&Connection) -> Result<T>,
) -> Result<T> {
    conn.authorizer(Some(|context: AuthContext<'_>| judge(&context.action)))?;
    let result = work(conn);
    let lifted = conn.authorizer(None::<fn(AuthContext<'_>) -> Authorization>);
    let result = result.map_err(refused)?;
    lifted?;
    Ok(result)
}

/// Denies everything that is not known to be harmless. Transactions belong to the writer: ending
/// one would commit part of other requests.
fn judge(action: &AuthAction<'_>) -> Authorization {
    let unless_own = |table: &str| {
        if is_own(table) { Authorization::Deny } else { Authorization::Allow }
    };
    match action {
        AuthAction::Function { function_name } if *function_name == "load_extension" => {
            Authorization::Deny
        }
        AuthAction::Select
        | AuthAction::Read { .. }
        | AuthAction::Function { .. }
        | AuthAction::Recursive
        | AuthAction::CreateView { .. }
        | AuthAction::DropView { .. } => Authorization::Allow,
        AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name }
        | AuthAction::CreateTable { table_name }
        | AuthAction::DropTable { table_name }
        | AuthAction::AlterTable { table_name, .. }
        | AuthAction::CreateIndex { table_name, .. }
        | AuthAction::DropIndex { table_name, .. }
        | AuthAction::CreateTrigger { table_name, .. }
        | AuthAction::DropTrigger { table_name, .. }
        | AuthAction::CreateVtable { table_name, .. }
        | AuthAction::DropVtable { table_name, .. } => unless_own(table_name),
        _ => Authorization::Deny,
    }
}

/// Distinguishes errors of a statement from errors of the database.
fn refused(error: SqliteError) -> SqliteError {
    let SqliteError::Sqlite(error) = error else {
        return error;
    };
    let known = code(&error);
    let field = match (&error, known.map(|known| known.code)) {
        (_, Some(ErrorCode::ConstraintViolation)) if is_key(known) => {
            let id = error.to_string();
            return Error::AlreadyExists { what: "row", id }.into();
        }
        (_, Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig)) => {
            "row"
        }
        (
            _,
            Some(
                ErrorCode::Unknown
                | ErrorCode::ApiMisuse
                | ErrorCode::SchemaChanged
                | ErrorCode::AuthorizationForStatementDenied,
            ),
        )
        | (rusqlite::Error::MultipleStatement | rusqlite::Error::ExecuteReturnedResults, _)
        | (rusqlite::Error::NulError(_), _) => "sql",
        _ => return error.into(),
    };
    Error::invalid(field, error.to_string()).into()
}

fn is_key(code: Option<ffi::Error>) -> bool {
    matches!(
        code.map(|code| code.extended_code),
        Some(ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY)
    )
}
