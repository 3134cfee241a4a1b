//! Real processes: the sim exchange and collectors, as a user would run them.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use super::PATIENCE;

/// The program under test.
pub fn streamkit() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_streamkit"));
    // What the machine's user has set must not change what is tested.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("STREAMKIT_")) {
        command.env_remove(name);
    }
    command
}

/// A process that ends with its owner.
pub struct Process(pub Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Process {
    /// Waits for the end, but not for ever.
    pub fn wait(&mut self) -> ExitStatus {
        self.wait_for(PATIENCE)
    }

    /// Waits for the end, and no longer than that.
    #[allow(
        clippy::disallowed_methods,
        reason = "without a runtime, the end of a child can only be looked for"
    )]
    pub fn wait_for(&mut self, patience: Duration) -> ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait().expect("a child") {
                return status;
            }
            assert!(begun.elapsed() < patience, "a process did not end");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    /// Sends a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = i32::try_from(self.0.id()).expect("a pid");
        let pid = rustix::process::Pid::from_raw(pid).expect("a pid");
        rustix::process::kill_process(pid, signal).expect("a signal");
    }
}

/// A sim exchange in a process of its own.
pub struct Sim {
    pub ws: String,
    pub rest: String,
    pub options: Vec<String>,
    _process: Process,
}

impl Sim {
    /// Starts `probe serve`; `tape` names the tape, `serve` what else is to be set.
    pub fn start(tape: &[&str], serve: &[&str]) -> Self {
        let mut child = streamkit()
            .args(["probe", "serve", "--listen", "127.0.0.1:0"])
            .args(tape)
            .args(serve)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("probe serve starts");
        let out = child.stdout.take().expect("a pipe");
        let process = Process(child);
        let (sender, receiver) = mpsc::sync_channel(1);
        thread::Builder::new()
            .spawn(move || {
                let mut line = String::new();
                let _ = BufReader::new(out).read_line(&mut line);
                let _ = sender.send(line);
            })
            .expect("a thread");
        let line = receiver
            .recv_timeout(PATIENCE)
            .expect("probe serve listens");
        let word = |after: &str| {
            let mut words = line.split_whitespace().skip_while(|word| *word != after);
            words
                .nth(1)
                .unwrap_or_else(|| panic!("'{after}' in {line:?}"))
                .to_owned()
        };
        Self {
            ws: word("ws"),
            rest: word("rest"),
            options: tape.iter().map(ToString::to_string).collect(),
            _process: process,
        }
    }

    /// Tells it something, or asks it; returns the body of the answer, which must confirm.
    pub fn control(&self, method: &str, path: &str, body: &str) -> String {
        let host = self.rest.strip_prefix("http://").expect("an http URL");
        let mut stream = TcpStream::connect(host).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )
        .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a head");
        body.to_owned()
    }

    /// Plays the tape at this rate from now on; at 0 it stands still.
    pub fn pace(&self, trades_per_second: u32) {
        let body = format!("{{\"rate\":{trades_per_second}}}");
        self.control("POST", "/sim/pace", &body);
    }

    /// The id of the newest trade of a symbol; none before the first.
    pub fn newest_id(&self, symbol: &str) -> Option<i64> {
        let stats = self.control("GET", "/sim/stats", "");
        let stats: serde_json::Value = serde_json::from_str(&stats).expect("JSON");
        stats["symbols"][symbol]["newest_id"].as_i64()
    }

    /// Writes the tape of `symbol` to `path`.
    pub fn write_tape(&self, symbol: &str, count: u64, path: &Path) {
        let output = run(streamkit()
            .args(["probe", "tape", "--played", "--symbol", symbol])
            .args(["--count", &count.to_string()])
            .args(&self.options));
        assert!(output.status.success(), "{}", text(&output.stderr));
        std::fs::write(path, output.stdout).expect("written");
    }
}

/// Runs a command to its end, but not for ever.
pub fn run(command: &mut Command) -> Output {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let out = drain(child.stdout.take().expect("a pipe"));
    let err = drain(child.stderr.take().expect("a pipe"));
    let status = Process(child).wait();
    let read = |bytes: mpsc::Receiver<Vec<u8>>| bytes.recv_timeout(PATIENCE).expect("output");
    Output {
        status,
        stdout: read(out),
        stderr: read(err),
    }
}

fn drain(mut from: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::sync_channel(1);
    thread::Builder::new()
        .spawn(move || {
            let mut bytes = Vec::new();
            let _ = from.read_to_end(&mut bytes);
            let _ = sender.send(bytes);
        })
        .expect("a thread");
    receiver
}

/// Bytes as text for a message.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
