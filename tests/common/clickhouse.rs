//! ClickHouse for tests: the server that scripts/with-clickhouse started, and servers of a
//! test's own that it may kill.

#![allow(dead_code, reason = "each test binary uses its own part")]

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use streamkit::store::address::StoreAddress;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

/// How long a server may take to answer after it was started. It is far above what is
/// needed, for slow machines.
pub const START: Duration = Duration::from_secs(60);

/// How long a server lives when the test that it belongs to never ends.
const LIFE_S: &str = "43200";

/// The shared server's URL, or nothing when the test has to be skipped.
pub fn clickhouse_url() -> Option<String> {
    given("CLICKHOUSE_URL")
}

/// The library that servers are started from, or nothing when the test has to be skipped.
pub fn clickhouse_lib() -> Option<String> {
    given("CLICKHOUSE_LIB")
}

#[allow(clippy::print_stderr, reason = "a test says why it is skipped")]
fn given(name: &str) -> Option<String> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty());
    if value.is_none() {
        let is_ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!is_ci, "{name} is not set: run scripts/with-clickhouse");
        eprintln!("skipped: {name} is not set (see scripts/with-clickhouse)");
    }
    value
}

/// The address of `database` on the server at `url`.
pub fn clickhouse_address(url: &str, user: &str, database: &str) -> StoreAddress {
    let host = url
        .strip_prefix("http://")
        .expect("the URL starts with http://")
        .trim_end_matches('/');
    format!("clickhouse://{user}@{host}/{database}")
        .parse()
        .expect("an address")
}

/// A name for a database that no other test has.
pub fn fresh_database(test: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{test}_{}_{number}", std::process::id())
}

/// Sends a statement to the server at `host` (`address:port`); returns the answer, which
/// must confirm. For tests without a runtime.
pub fn ask(host: &str, database: &str, sql: &str) -> String {
    let mut stream = std::net::TcpStream::connect(host).expect("connected");
    stream.set_read_timeout(Some(START)).expect("set");
    write!(
        stream,
        "POST /?database={database} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{sql}",
        sql.len()
    )
    .expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{sql}: {answer}");
    answer
}

/// Removes a database when the test is over. After a failed test it stays, to be looked at.
pub struct Dropped {
    pub host: String,
    pub database: String,
}

impl Drop for Dropped {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let sql = format!("DROP DATABASE IF EXISTS {} SYNC", self.database);
            ask(&self.host, "default", &sql);
        }
    }
}

/// A server of one's own, with data that outlive it.
pub struct OwnClickHouse {
    lib: String,
    data: TempDir,
    port: u16,
    child: Option<Child>,
}

impl OwnClickHouse {
    /// Starts a server on an empty directory and waits until it answers; nothing when the
    /// test has to be skipped.
    pub async fn start() -> Option<Self> {
        let lib = clickhouse_lib()?;
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|probe| probe.local_addr())
            .expect("a port")
            .port();
        let mut server = Self {
            lib,
            data: tempfile::tempdir().expect("a directory"),
            port,
            child: None,
        };
        server.restart().await;
        Some(server)
    }

    /// Its URL, which stays the same over restarts.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Kills the server, if it runs, starts it again on the same directory and port, and
    /// waits until it answers.
    pub async fn restart(&mut self) {
        self.kill();
        self.child = Some(self.spawn());
        let deadline = Instant::now() + START;
        while !self.answers().await {
            let child = self.child.as_mut().expect("it was spawned");
            let ended = child.try_wait().expect("a process");
            assert!(ended.is_none(), "the server ended: {ended:?}");
            assert!(Instant::now() < deadline, "the server does not answer");
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// The kernel ends it with the thread that calls this, if nothing else has before.
    fn spawn(&self) -> Child {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/clickhouse-server");
        Command::new("python3")
            .arg(script)
            .args(["--lib", &self.lib, "--port", &self.port.to_string()])
            .args(["--max-seconds", LIFE_S, "--data"])
            .arg(self.data.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("a server")
    }

    /// Whether it answers at the moment.
    pub async fn answers(&self) -> bool {
        let asked = async {
            let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
            stream
                .write_all(b"GET /ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                .await?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).await?;
            std::io::Result::Ok(answer.starts_with(b"HTTP/1.1 200"))
        };
        matches!(timeout(Duration::from_secs(2), asked).await, Ok(Ok(true)))
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("a kill");
            child.wait().expect("an end");
        }
    }

    /// Stops it where it stands: it takes connections and says nothing.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
        // The signal is only sent by then: a thread that runs may answer once more.
        let begun = Instant::now();
        while !self.stands_still() {
            assert!(begun.elapsed() < START, "the server does not stop");
            std::thread::yield_now();
        }
    }

    /// Whether every one of its threads is stopped.
    fn stands_still(&self) -> bool {
        let child = self.child.as_ref().expect("it runs");
        let threads = std::fs::read_dir(format!("/proc/{}/task", child.id()));
        let states = threads.expect("threads").filter_map(|thread| {
            let stat = std::fs::read_to_string(thread.ok()?.path().join("stat")).ok()?;
            // pid (name) state …, and the name may hold anything.
            stat.rsplit_once(") ")?.1.chars().next()
        });
        states.into_iter().all(|state| state == 'T')
    }

    /// Lets it go on after [`Self::freeze`].
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let child = self.child.as_ref().expect("it runs");
        let pid = i32::try_from(child.id()).expect("a pid");
        kill_process(Pid::from_raw(pid).expect("a pid"), signal).expect("a signal");
    }
}

impl Drop for OwnClickHouse {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
