//! One run of a program, with a deadline.
//!
//! It runs in a process group of its own, so that at the deadline it ends with everything
//! that it started. What it leaves running when it ends in time stays: that is what a
//! restart is for. Of what it writes the end is kept, and all of it is read, so that it
//! never waits. Its output goes to a pipe which closes with the watchdog: a service that is
//! to go on has to write elsewhere.

use std::{
    collections::VecDeque,
    io,
    path::Path,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::Child,
    time::{self, Instant},
};

use super::environment::Environment;

/// So much of the end of each output is kept.
const KEPT_BYTES: usize = 4096;

/// How long output may still be on its way when the program has ended.
const OUTPUT_GRACE: Duration = Duration::from_millis(200);

/// How long a program that was killed may take to be gone.
const REAP_GRACE: Duration = Duration::from_secs(5);

/// A program that has ended by itself.
#[derive(Debug)]
pub(super) struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// How long it ran.
    pub took: Duration,
    /// The end of its standard output, made fit for people.
    pub stdout: String,
    /// The end of its standard error, likewise.
    pub stderr: String,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Failure {
    /// It could not be started, or was lost sight of.
    Io(io::Error),
    /// The deadline has passed; it and its group were killed. With the end of what it wrote.
    DeadlinePassed(String),
}

/// Runs `program`, with `environment` as all that it gets.
pub(super) async fn run(
    program: &Path,
    args: &[String],
    environment: &Environment,
    deadline: Duration,
) -> Result<Ended, Failure> {
    let begun = Instant::now();
    let mut child = tokio::process::Command::new(program)
        .args(args)
        .env_clear()
        .envs(environment.variables())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(Failure::Io)?;
    // Dropped before the child is, also when the caller gives up: whoever belongs to the
    // group ends.
    let mut group = Group::of(&child);
    let mut stdout = Output::new(child.stdout.take());
    let mut stderr = Output::new(child.stderr.take());
    let ended = time::timeout(deadline, async {
        loop {
            tokio::select! {
                ended = child.wait() => break ended,
                () = stdout.read(), if stdout.is_open() => {}
                () = stderr.read(), if stderr.is_open() => {}
            }
        }
    })
    .await;
    let Ok(ended) = ended else {
        group.kill();
        // Killed processes are gone at once, unless the kernel holds them.
        let _ = time::timeout(REAP_GRACE, child.wait()).await;
        return Err(Failure::DeadlinePassed(either(
            stderr.tail(),
            stdout.tail(),
        )));
    };
    // It has been waited for: its number may be somebody else's from now on.
    group.let_go();
    let status = ended.map_err(Failure::Io)?;
    let took = begun.elapsed();
    // Something that it left behind may hold the pipes open for ever.
    let _ = time::timeout(OUTPUT_GRACE, async {
        while stdout.is_open() || stderr.is_open() {
            tokio::select! {
                () = stdout.read(), if stdout.is_open() => {}
                () = stderr.read(), if stderr.is_open() => {}
            }
        }
    })
    .await;
    Ok(Ended {
        status,
        took,
        stdout: stdout.tail(),
        stderr: stderr.tail(),
    })
}

impl Ended {
    /// The end of what it complained about, or else of what it said.
    pub(super) fn complaint(self) -> String {
        either(self.stderr, self.stdout)
    }
}

fn either(first: String, second: String) -> String {
    if first.is_empty() { second } else { first }
}

/// The end of what comes through a pipe.
#[derive(Debug)]
struct Output<R> {
    pipe: Option<R>,
    kept: VecDeque<u8>,
    is_cut: bool,
}

impl<R: AsyncRead + Unpin> Output<R> {
    fn new(pipe: Option<R>) -> Self {
        Self {
            pipe,
            kept: VecDeque::new(),
            is_cut: false,
        }
    }

    fn is_open(&self) -> bool {
        self.pipe.is_some()
    }

    /// Takes what comes next. Nothing is lost when it is given up.
    async fn read(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        let mut chunk = [0; KEPT_BYTES];
        match pipe.read(&mut chunk).await {
            Ok(length @ 1..) => self.keep(&chunk[..length]),
            // A pipe that cannot be read has nothing more to say.
            Ok(_) | Err(_) => self.pipe = None,
        }
    }

    fn keep(&mut self, chunk: &[u8]) {
        self.kept.extend(chunk);
        let excess = self.kept.len().saturating_sub(KEPT_BYTES);
        self.is_cut |= excess > 0;
        self.kept.drain(..excess);
    }

    /// What was kept as lines without control characters, from a line's beginning on.
    fn tail(&mut self) -> String {
        let bytes = self.kept.make_contiguous();
        let is_inside = |byte: &u8| (0x80..0xc0).contains(byte);
        let start = if !self.is_cut {
            0
        } else if let Some(end) = bytes.iter().position(|&byte| byte == b'\n') {
            end + 1
        } else {
            // One long line begins between two characters.
            bytes.iter().take_while(|byte| is_inside(byte)).count()
        };
        let text = String::from_utf8_lossy(&bytes[start..]);
        let lines: Vec<String> = text.lines().map(clean).collect();
        lines.join("\n").trim().to_owned()
    }
}

/// A line without characters that move the cursor or turn the direction of writing.
fn clean(line: &str) -> String {
    let is_turn = |c| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    line.chars()
        .filter(|&c| !is_turn(c))
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .trim_end()
        .to_owned()
}

/// The process group of a child. Killed when dropped, unless it was let go.
#[derive(Debug)]
struct Group {
    leader: Option<Pid>,
}

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self {
            leader: id.and_then(Pid::from_raw),
        }
    }

    fn let_go(&mut self) {
        self.leader = None;
    }

    fn kill(&mut self) {
        if let Some(leader) = self.leader.take() {
            // It fails when all of them have ended.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

#[cfg(test)]
mod tests;
