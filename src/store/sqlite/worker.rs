//! The thread that owns the connection.
//!
//! SQLite blocks while it waits for a disk or a lock, so it has a thread of its own, with
//! a short queue. Each job is one transaction or one piece of reading: another process is
//! never kept out for long, and a read never holds back the checkpoint of the log.

use std::{
    convert::Infallible,
    fs, io,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    thread,
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};

use super::errors::Failure;
use crate::store::{
    schema::{self, StoreKind},
    sink::StoreErrorKind::{Ambiguous, Configuration, Retry},
};

/// How many jobs may wait.
const QUEUE_JOBS: usize = 64;

/// Marks a file as a store of streamkit: "skst".
const APPLICATION_ID: i32 = 0x736b_7374;

/// The version of the schema, in `user_version`.
const SCHEMA_VERSION: i32 = 1;

/// The log is cut back to this size after a checkpoint.
const LOG_LIMIT_BYTES: i64 = 64 * 1024 * 1024;

type Job = Box<dyn FnOnce(&mut Db) + Send>;

/// How long the end of a store waits for the file to be closed.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(3);

/// The way to the thread. It ends when this is dropped.
///
/// Dropping waits, within a limit, until the file is closed: whoever closes a file last
/// puts its log into it and takes the log away, and a process that ends sooner does not.
pub(super) struct Worker {
    /// None once it is being dropped.
    jobs: Option<mpsc::Sender<Job>>,
    /// Disconnected by the end of the thread.
    ended: Mutex<std::sync::mpsc::Receiver<Infallible>>,
    answer_timeout: Duration,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.jobs = None;
        // A disk that hangs must not keep the process: its log is read when it is next
        // opened.
        let ended = self.ended.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = ended.recv_timeout(CLOSE_TIMEOUT);
    }
}

impl Worker {
    /// Starts the thread. The file is opened by the first job.
    pub(super) fn start(
        path: PathBuf,
        busy_timeout: Duration,
        answer_timeout: Duration,
    ) -> io::Result<Self> {
        let (jobs, mut queue) = mpsc::channel::<Job>(QUEUE_JOBS);
        let (ending, ended) = std::sync::mpsc::sync_channel(1);
        let mut db = Db {
            path,
            busy_timeout,
            open: None,
        };
        thread::Builder::new()
            .name("store-sqlite".to_owned())
            .spawn(move || {
                while let Some(job) = queue.blocking_recv() {
                    // The job's caller learns of a panic by not getting an answer.
                    if catch_unwind(AssertUnwindSafe(|| job(&mut db))).is_err() {
                        db.open = None;
                    }
                }
                drop(db);
                drop(ending);
            })?;
        Ok(Self {
            jobs: Some(jobs),
            ended: Mutex::new(ended),
            answer_timeout,
        })
    }

    /// Runs `job` on the thread and waits for its result. A job that is given up may still
    /// run later.
    pub(super) async fn run<T, F>(&self, job: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&mut Db) -> Result<T, Failure> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |db| {
            // Nobody may be waiting any more; the job is done all the same.
            let _ = answer.send(job(db));
        });
        let Some(jobs) = &self.jobs else {
            return Err(Failure::new(Retry, "its thread has ended"));
        };
        let sent = timeout(self.answer_timeout, jobs.send(job)).await;
        match sent {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(Failure::new(Retry, "its thread has ended")),
            Err(_) => return Err(Failure::new(Retry, "too much waits for the disk")),
        }
        match timeout(self.answer_timeout, answered).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Failure::new(Ambiguous, "its thread failed in the middle")),
            Err(_) => Err(Failure::new(Ambiguous, "the disk did not answer in time")),
        }
    }
}

/// The file, and the connection to it while there is one.
pub(super) struct Db {
    path: PathBuf,
    busy_timeout: Duration,
    open: Option<Open>,
}

struct Open {
    connection: Connection,
    file: FileId,
}

impl Db {
    /// Does something with the file, which must exist.
    pub(super) fn with<T>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let open = self.connected(false)?;
        let result = work(&mut open.connection);
        if result.as_ref().is_err_and(Failure::spoils_connection) {
            self.open = None;
        }
        result
    }

    /// Makes the file and everything in it that is missing.
    pub(super) fn create_schema(&mut self) -> Result<(), Failure> {
        let open = self.connected(true)?;
        let result = create_missing(&mut open.connection);
        if result.as_ref().is_err_and(Failure::spoils_connection) {
            self.open = None;
        }
        result
    }

    fn connected(&mut self, create: bool) -> Result<&mut Open, Failure> {
        // Rows that go into a file that was deleted or replaced are lost, so look first.
        let is_current = self
            .open
            .as_ref()
            .is_some_and(|open| FileId::of(&self.path).is_ok_and(|file| file == open.file));
        if !is_current {
            self.open = None;
        }
        match &mut self.open {
            Some(open) => Ok(open),
            none => Ok(none.insert(connect(&self.path, self.busy_timeout, create)?)),
        }
    }
}

/// How long after each other the switch to WAL is tried.
const SWITCH_PAUSE: Duration = Duration::from_millis(10);

/// Lets the file have a write-ahead log, which it then keeps. Whoever reads it at that moment is
/// in the way, and SQLite does not wait for him by itself here.
fn switch_to_wal(connection: &Connection, busy_timeout: Duration) -> rusqlite::Result<()> {
    let attempts = busy_timeout.as_millis() / SWITCH_PAUSE.as_millis();
    let mut left = u64::try_from(attempts).unwrap_or(u64::MAX);
    loop {
        let switched = connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()));
        let is_busy = |error: &rusqlite::Error| {
            error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy)
        };
        match switched {
            Err(error) if is_busy(&error) && left > 0 => {
                left -= 1;
                thread::park_timeout(SWITCH_PAUSE);
            }
            other => return other,
        }
    }
}

fn connect(path: &Path, busy_timeout: Duration, create: bool) -> Result<Open, Failure> {
    let mut flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    if create {
        flags |= OpenFlags::SQLITE_OPEN_CREATE;
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            fs::create_dir_all(parent).map_err(|error| {
                let reason = format!("the directory {} cannot be made: {error}", parent.display());
                Failure::new(Configuration, reason)
            })?;
        }
    } else if !path.exists() {
        return Err(Failure::new(Configuration, "there is no such file yet"));
    }
    if path.is_dir() {
        return Err(Failure::new(Configuration, "it is a directory"));
    }
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    let user_version: i32 = pragma(&connection, "user_version")?;
    let application_id: i32 = pragma(&connection, "application_id")?;
    if application_id == APPLICATION_ID && user_version > SCHEMA_VERSION {
        let reason = format!(
            "its schema has version {user_version}, and this streamkit knows {SCHEMA_VERSION}"
        );
        return Err(Failure::new(Configuration, reason));
    }
    // A file that can only be read stays in the mode that it is in.
    let is_writable = !connection.is_readonly(rusqlite::MAIN_DB)?;
    if is_writable {
        switch_to_wal(&connection, busy_timeout)?;
        connection.query_row(
            &format!("PRAGMA journal_size_limit = {LOG_LIMIT_BYTES}"),
            [],
            |_| Ok(()),
        )?;
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA trusted_schema = OFF; \
         PRAGMA cache_size = -16384",
    )?;
    let file = FileId::of(path)
        .map_err(|error| Failure::new(Retry, format!("the file went away: {error}")))?;
    Ok(Open { connection, file })
}

fn pragma(connection: &Connection, name: &str) -> rusqlite::Result<i32> {
    connection.query_row(&format!("PRAGMA {name}"), [], |row| row.get(0))
}

fn create_missing(connection: &mut Connection) -> Result<(), Failure> {
    let missing = |connection: &Connection| -> rusqlite::Result<Vec<schema::Statement>> {
        let mut exists = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?1")?;
        let mut missing = schema::statements(StoreKind::Sqlite, None);
        let mut failed = None;
        missing.retain(|statement| match exists.exists([statement.object]) {
            Ok(exists) => !exists,
            Err(error) => {
                failed = Some(error);
                true
            }
        });
        failed.map_or(Ok(missing), Err)
    };
    // A file that lacks nothing is not written to, so it may be read-only.
    if missing(connection)?.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have made some of it in the meantime.
    for statement in missing(&transaction)? {
        transaction.execute_batch(&statement.sql)?;
    }
    // A file that another program has marked keeps its mark.
    if pragma(&transaction, "application_id")? == 0 {
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    }
    transaction.commit()?;
    Ok(())
}

/// What tells one file from another that takes its place.
#[derive(Debug, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    #[cfg(unix)]
    fn of(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = fs::metadata(path)?;
        Ok(Self(metadata.dev(), metadata.ino()))
    }

    #[cfg(not(unix))]
    fn of(path: &Path) -> io::Result<Self> {
        // Elsewhere an open file cannot be deleted.
        fs::metadata(path).map(|_| Self(0, 0))
    }
}
