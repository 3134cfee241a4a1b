//! The newest rows of any table, asked for on a connection of its own.
//!
//! It can only read, and it is interrupted at the deadline: neither the statement of a
//! stranger nor a table that is too large keeps the store's own thread. The file may belong
//! to another program, so nothing about it is changed.

use std::{path::PathBuf, thread, time::Duration};

use rusqlite::{Connection, InterruptHandle, OpenFlags, types::ValueRef};
use tokio::{sync::oneshot, time::timeout};

use super::errors::Failure;
use crate::store::{
    newest::{NewestQuery, NewestRow, newest_of_each, number_us, statement, text_us},
    sink::StoreErrorKind::{Configuration, Retry},
};

/// The newest row of each name.
pub(super) async fn newest(
    path: PathBuf,
    busy_timeout: Duration,
    query: NewestQuery,
) -> Result<Vec<NewestRow>, Failure> {
    let limit = query.timeout;
    let (handle, mut handed) = oneshot::channel();
    let (answer, answered) = oneshot::channel();
    // A thread of its own: a disk that hangs must not keep the process.
    thread::Builder::new()
        .name("store-sqlite-look".to_owned())
        .spawn(move || {
            let result = look(path, busy_timeout.min(limit), &query, handle);
            // Nobody may be waiting any more.
            let _ = answer.send(result);
        })
        .map_err(|error| Failure::new(Retry, format!("a thread cannot be started: {error}")))?;
    match timeout(limit, answered).await {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err(Failure::new(Retry, "its thread failed in the middle")),
        Err(_) => {
            if let Ok(handle) = handed.try_recv() {
                handle.interrupt();
            }
            Err(Failure::new(Retry, "no answer came in time"))
        }
    }
}

fn look(
    path: PathBuf,
    busy_timeout: Duration,
    query: &NewestQuery,
    handle: oneshot::Sender<InterruptHandle>,
) -> Result<Vec<NewestRow>, Failure> {
    if !path.exists() {
        return Err(Failure::new(Configuration, "there is no such file yet"));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    if handle.send(db.get_interrupt_handle()).is_err() {
        return Err(Failure::new(Retry, "no answer came in time"));
    }
    db.busy_timeout(busy_timeout)?;
    db.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF")?;
    read(&db, query)
}

fn read(db: &Connection, query: &NewestQuery) -> Result<Vec<NewestRow>, Failure> {
    let mut statement = db.prepare(&statement(&query.of, quoted))?;
    let columns = statement.column_count();
    if columns != 2 {
        let reason = format!("it returns {columns} columns, not a name and a time");
        return Err(Failure::new(Configuration, reason));
    }
    if !statement.readonly() {
        return Err(Failure::new(Configuration, "it would write"));
    }
    let mut found = statement.query([])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        if rows.len() == query.max_rows {
            let reason = format!("it returns more than {} rows", query.max_rows);
            return Err(Failure::new(Configuration, reason));
        }
        let time_us = time_us(row.get_ref(1)?);
        rows.push(NewestRow {
            name: name(row.get_ref(0)?),
            time_us: time_us.map_err(|reason| Failure::new(Configuration, reason))?,
        });
    }
    Ok(newest_of_each(&query.of, rows))
}

/// In backticks: what stands in double quotes and is no column is taken for a text.
fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

fn name(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => number.to_string(),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
    }
}

fn time_us(value: ValueRef<'_>) -> Result<Option<i64>, String> {
    match value {
        ValueRef::Null => Ok(None),
        ValueRef::Integer(number) => Ok(Some(number_us(number, 0))),
        ValueRef::Real(number) if number.is_finite() => {
            let whole = number.floor();
            let nanos = ((number - whole) * 1e9) as u32;
            Ok(Some(number_us(whole as i64, nanos)))
        }
        ValueRef::Real(number) => Err(format!("'{number}' is no time")),
        ValueRef::Text(bytes) => text_us(&String::from_utf8_lossy(bytes)).map(Some),
        ValueRef::Blob(_) => Err("a blob is no time".to_owned()),
    }
}
