//! What a failure of SQLite means for the rows.

use rusqlite::{Error, ErrorCode};

use crate::store::sink::StoreErrorKind::{self, Ambiguous, Configuration, Content, Retry};

/// What a failure comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) kind: StoreErrorKind,
    /// SQLite's extended result code.
    pub(super) code: Option<i32>,
    pub(super) reason: String,
}

impl Failure {
    pub(super) fn new(kind: StoreErrorKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            code: None,
            reason: reason.into(),
        }
    }

    /// The same failure, met at the end of a transaction: the disk may have taken it.
    pub(super) fn at_commit(self) -> Self {
        let is_known = matches!(self.kind, Configuration | Content)
            || self
                .code
                .is_some_and(|code| matches!(code & 0xff, BUSY | LOCKED | FULL));
        Self {
            kind: if is_known { self.kind } else { Ambiguous },
            ..self
        }
    }

    /// Whether the connection is better made anew.
    pub(super) fn spoils_connection(&self) -> bool {
        self.code
            .is_none_or(|code| !matches!(code & 0xff, BUSY | LOCKED | FULL | CONSTRAINT | ERROR))
    }
}

// The primary result codes that are looked at by number.
const ERROR: i32 = rusqlite::ffi::SQLITE_ERROR;
const BUSY: i32 = rusqlite::ffi::SQLITE_BUSY;
const LOCKED: i32 = rusqlite::ffi::SQLITE_LOCKED;
const FULL: i32 = rusqlite::ffi::SQLITE_FULL;
const CONSTRAINT: i32 = rusqlite::ffi::SQLITE_CONSTRAINT;

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (sqlite, message) = match &error {
            Error::SqliteFailure(sqlite, message) => (sqlite, message.clone()),
            Error::SqlInputError {
                error: sqlite, msg, ..
            } => (sqlite, Some(msg.clone())),
            // A value that is not what its column promises.
            other => return Self::new(Configuration, other.to_string()),
        };
        let (kind, what) = class(sqlite.code);
        let detail = message.unwrap_or_else(|| sqlite.to_string());
        Self {
            kind,
            code: Some(sqlite.extended_code),
            reason: if what.is_empty() {
                detail
            } else {
                format!("{what} ({detail})")
            },
        }
    }
}

/// The class of a result code, and what it means where SQLite is terse.
fn class(code: ErrorCode) -> (StoreErrorKind, &'static str) {
    match code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            (Retry, "another process keeps the file locked")
        }
        ErrorCode::DiskFull => (Retry, "the disk is full"),
        ErrorCode::SystemIoFailure => (Retry, "the disk fails"),
        ErrorCode::NotADatabase => (Configuration, "the file is not a SQLite database"),
        ErrorCode::DatabaseCorrupt => (Configuration, "the file is damaged"),
        ErrorCode::ReadOnly => (Configuration, "the file or its directory is read-only"),
        ErrorCode::CannotOpen => (Configuration, "the file cannot be opened"),
        ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied => {
            (Configuration, "access is denied")
        }
        ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig => {
            (Content, "")
        }
        // A table or column is missing, or is another.
        ErrorCode::Unknown | ErrorCode::SchemaChanged => (Configuration, ""),
        // Out of memory, interrupted, a lock that protocol lost: it passes.
        _ => (Retry, ""),
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn failure(setup: &str, sql: &str) -> Failure {
        let db = Connection::open_in_memory().expect("memory");
        db.execute_batch(setup).expect("set up");
        db.execute(sql, []).expect_err("it fails").into()
    }

    #[test]
    fn a_missing_table_is_for_somebody_to_mend() {
        let failure = failure("", "INSERT INTO bars VALUES (1)");
        assert_eq!(failure.kind, Configuration);
        assert!(
            failure.reason.contains("no such table"),
            "{}",
            failure.reason
        );
        assert!(!failure.spoils_connection());
    }

    #[test]
    fn a_row_that_breaks_a_constraint_is_content() {
        let failure = failure(
            "CREATE TABLE t (a INTEGER CHECK (a > 0))",
            "INSERT INTO t VALUES (0)",
        );
        assert_eq!(failure.kind, Content);
    }

    #[test]
    fn a_file_that_is_read_only_is_for_somebody_to_mend() {
        let failure = failure(
            "CREATE TABLE t (a); PRAGMA query_only = ON",
            "INSERT INTO t VALUES (0)",
        );
        assert_eq!(failure.kind, Configuration);
        assert!(failure.reason.contains("read-only"), "{}", failure.reason);
    }

    #[test]
    fn a_full_disk_passes() {
        let failure = failure(
            "CREATE TABLE t (a); PRAGMA max_page_count = 2",
            "INSERT INTO t VALUES (randomblob(100000))",
        );
        assert_eq!(failure.kind, Retry);
        assert!(
            failure.reason.contains("disk is full"),
            "{}",
            failure.reason
        );
        assert_eq!(failure.clone().at_commit().kind, Retry);
    }

    #[test]
    fn a_disk_that_fails_at_the_commit_leaves_it_open_whether_the_rows_are_in() {
        let error = Error::SqliteFailure(
            rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC),
            None,
        );
        let failure = Failure::from(error);
        assert_eq!(failure.kind, Retry);
        assert!(failure.spoils_connection());
        assert_eq!(failure.at_commit().kind, Ambiguous);
    }
}
