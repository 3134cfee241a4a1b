//! A user's home, and collectors that run there.

use std::{
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Output, Stdio},
    sync::mpsc::{Receiver, sync_channel},
    thread,
    time::Duration,
};

use tempfile::TempDir;

use super::{
    common::{
        PATIENCE,
        process::{Sim, run, text},
    },
    streamkit,
};

/// What a graceful stop may take, at the default settings.
pub const STOP: Duration = Duration::from_secs(10);

/// A user's home, empty at first.
pub struct Home(TempDir);

impl Home {
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a directory"))
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program with these words as its arguments.
    pub fn command(&self, line: &str) -> Command {
        let mut command = streamkit(self.0.path());
        command.args(line.split(' ')).stdin(Stdio::null());
        command
    }

    pub fn run(&self, line: &str) -> Output {
        run(&mut self.command(line))
    }

    /// Runs `collect …` to a good end; returns its summary.
    pub fn collect(&self, line: &str) -> serde_json::Value {
        let output = self.run(&format!("collect {line} -o json"));
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("a JSON summary")
    }

    pub fn assert_verified(&self, line: &str) {
        let output = self.run(&format!("verify {line}"));
        let told = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{told}");
        assert!(told.ends_with(": no damage\n"), "{told}");
    }

    /// Asserts that `line` ends with `code`, an error that holds all of `words`, and a hint.
    pub fn assert_refused(&self, line: &str, code: i32, words: &[&str]) {
        let output = self.run(line);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{line}: {told}");
        assert_eq!(text(&output.stdout), "", "{line}");
        let error = told.find("error: ").expect(&told);
        for word in words {
            assert!(told[error..].contains(word), "{word:?} in {told}");
        }
        let hint = told.lines().last().unwrap_or_default();
        assert!(hint.starts_with("hint: "), "{told}");
        assert!(!told.contains("panicked"), "{told}");
    }

    /// Asserts that nothing was made here.
    pub fn assert_untouched(&self) {
        let left: Vec<_> = std::fs::read_dir(self.0.path())
            .expect("readable")
            .collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// An exchange of its own process, at which a day passes in some ten seconds.
pub fn exchange() -> Sim {
    Sim::start(
        &["--seed", "5", "--trades-per-day", "7000", "--rate", "700"],
        &["--symbols", "BTCUSDT,ETHUSDT", "--history", "3000"],
    )
}

/// The options that name it.
pub fn at(sim: &Sim) -> String {
    format!(
        "--exchange probe --ws-url {} --rest-url {} -t 25,250",
        sim.ws, sim.rest
    )
}

/// The lines that a process writes, as they come.
pub fn lines(from: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = sync_channel(100_000);
    thread::Builder::new()
        .spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                let _ = sender.try_send(line);
            }
        })
        .expect("a thread");
    receiver
}

/// Waits for a line that holds `words`.
pub fn until(lines: &Receiver<String>, words: &str) -> String {
    let mut seen = Vec::new();
    while let Ok(line) = lines.recv_timeout(PATIENCE) {
        if line.contains(words) {
            return line;
        }
        seen.push(line);
    }
    panic!("no line holds {words:?}: {seen:#?}");
}
