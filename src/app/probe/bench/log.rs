//! What the collector says: its log, line by line.

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Deserialize;
use tokio::{
    fs::File,
    io::{AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader, BufWriter},
    sync::watch,
    time::Instant,
};
use tokio_util::task::AbortOnDropHandle;

/// More lines than this are not remembered; the file has them all.
const MAX_LINES: usize = 100_000;

/// A line that is an event.
#[derive(Debug, Clone)]
pub struct Line {
    /// When it was read.
    pub at: Instant,
    /// The event's code; empty when it has none.
    pub code: String,
    /// What it says.
    pub message: String,
}

#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// The log of all collectors of a run, one after the other.
#[derive(Debug, Clone)]
pub struct Log {
    lines: Arc<Mutex<Vec<Line>>>,
    count: watch::Sender<usize>,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            lines: Arc::default(),
            count: watch::Sender::new(0),
        }
    }
}

impl Log {
    /// Reads lines until their source ends, and writes them to the file at `path`, too.
    pub fn follow(
        &self,
        from: impl AsyncRead + Unpin + Send + 'static,
        path: &Path,
    ) -> AbortOnDropHandle<()> {
        let (log, path) = (self.clone(), path.to_owned());
        let reading = async move {
            let file = File::options().create(true).append(true).open(path).await;
            let mut file = file.ok().map(BufWriter::new);
            let mut lines = BufReader::new(from).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(file) = &mut file {
                    // The file is for people; what counts is remembered.
                    let _ = file.write_all(line.as_bytes()).await;
                    let _ = file.write_all(b"\n").await;
                    // Whoever follows may be let go with the collector at any time.
                    let _ = file.flush().await;
                }
                log.take(&line);
            }
        };
        AbortOnDropHandle::new(tokio::spawn(reading))
    }

    fn take(&self, line: &str) {
        match serde_json::from_str::<Raw>(line) {
            Ok(raw) => self.note(&raw.code, &raw.message),
            Err(_) => self.note("", line),
        }
    }

    /// Adds a line that no collector has said.
    pub fn note(&self, code: &str, message: &str) {
        let mut lines = self.lock();
        if lines.len() < MAX_LINES {
            lines.push(Line {
                at: Instant::now(),
                code: code.to_owned(),
                message: message.to_owned(),
            });
        }
        let count = lines.len();
        drop(lines);
        self.count.send_replace(count);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Line>> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many lines there are.
    pub fn size(&self) -> usize {
        self.lock().len()
    }

    /// The first line from the `from`-th on that `wanted` picks.
    pub fn find(&self, from: usize, wanted: impl Fn(&Line) -> bool) -> Option<Line> {
        let lines = self.lock();
        lines.iter().skip(from).find(|line| wanted(line)).cloned()
    }

    /// How many lines from the `from`-th on `wanted` picks.
    pub fn count(&self, from: usize, wanted: impl Fn(&Line) -> bool) -> usize {
        let lines = self.lock();
        lines.iter().skip(from).filter(|line| wanted(line)).count()
    }

    /// Waits for a line from the `from`-th on that `wanted` picks. Has to be given a deadline.
    pub async fn wait(&self, from: usize, wanted: impl Fn(&Line) -> bool) -> Line {
        let mut count = self.count.subscribe();
        loop {
            count.borrow_and_update();
            if let Some(line) = self.find(from, &wanted) {
                return line;
            }
            if count.changed().await.is_err() {
                // It owns the sender itself.
                std::future::pending::<()>().await;
            }
        }
    }

    /// The last lines, for people.
    pub fn tail(&self, count: usize) -> Vec<String> {
        let lines = self.lock();
        let start = lines.len().saturating_sub(count);
        lines[start..]
            .iter()
            .map(|line| line.message.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn events_are_found_by_their_code_and_awaited() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("log");
        let log = Log::default();
        let text =
            b"{\"code\":\"a\",\"message\":\"one\"}\nplain\n{\"code\":\"b\",\"message\":\"two\"}\n";
        let following = log.follow(&text[..], &path);
        let line = log.wait(0, |line| line.code == "b").await;
        assert_eq!(line.message, "two");
        following.await.expect("read");
        assert_eq!(log.size(), 3);
        assert_eq!(log.count(1, |line| line.code == "a"), 0);
        assert_eq!(log.tail(2), ["plain", "two"]);
        assert_eq!(std::fs::read(&path).expect("a file"), text);
    }
}
